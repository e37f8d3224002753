"""uvicorn's HTTP protocol with limits on connections, on headers, and on the time that they take to arrive.

Without them, a client that opens connections and sends headers slowly or endlessly would hold them for ever.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from src.app.api.core.problem_types import PROBLEM_TYPES
from src.app.api.core.problems import MEDIA_TYPE, build_problem
from src.settings import get_settings

MAX_CONNECTIONS: Final = 1000  # per worker
MAX_OVERHEAD: Final = 65_536  # bytes of a request outside its body: headers, chunk sizes, trailers
MAX_PIPELINED: Final = 16  # requests waiting on a connection for the answer to the first


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._overhead = 0  # bytes
        self._in_headers = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Accept a connection, or refuse it if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse("too-busy")
        else:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up after a closed connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes; `on_body` subtracts those of the body from the overhead."""
        self._overhead += len(data)
        super().data_received(data)
        if self._overhead > MAX_OVERHEAD:
            self._refuse("headers-too-large")
        elif self._in_headers and not self._timer:
            self._start_timer()

    def on_message_begin(self) -> None:
        """Start to read a request. httptools answers a `ValueError` raised here with `send_400_response`."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise ValueError("Too many requests were sent before the first was answered.")
        super().on_message_begin()
        self._in_headers = True

    def on_headers_complete(self) -> None:
        """Start to answer."""
        self._in_headers = False
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        self._overhead -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Finish reading a request."""
        self._overhead = 0
        self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Finish a response; a client that is still sending its body gets time to notice and read the response."""
        super().on_response_complete()
        if self.cycle.more_body and not self._timer and not self.transport.is_closing():
            self._start_timer()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the client gets our own sentence
        """Answer bytes that are not HTTP."""
        self._refuse(
            "bad-request", "This is not an HTTP request that the service understands. Send it with another client."
        )

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(get_settings().header_timeout_s, self._time_out)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        self._timer = None
        self._refuse("request-timeout")

    def _refuse(self, name: str, detail: str | None = None) -> None:
        """Answer with a problem and close the connection; if a response was begun or sent, only close it."""
        if self.transport.is_closing():
            return
        if self.cycle is None or (self.cycle.response_complete and self._in_headers):
            content = build_problem(name, detail).model_dump_json().encode()
            head = [f"content-type: {MEDIA_TYPE}", f"content-length: {len(content)}", "connection: close", "", ""]
            self.transport.write(STATUS_LINE[PROBLEM_TYPES[name].status] + "\r\n".join(head).encode() + content)
        self.transport.close()
