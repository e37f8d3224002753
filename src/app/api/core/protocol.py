"""uvicorn's HTTP protocol with the bounds that it lacks: on connections, on headers, and on the time that they take.

Without these, whoever opens connections and sends headers slowly, or without end, holds them for good.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from src.app.api.core.problem_types import PROBLEM_TYPES
from src.app.api.core.problems import MEDIA_TYPE, body
from src.settings import get_settings

MAX_CONNECTIONS: Final = 1000  # of a worker
MAX_FRAMING: Final = 65_536  # bytes of a request that are not its body: headers, chunk sizes, trailers
MAX_PIPELINED: Final = 16  # requests sent before the first is answered


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._framing = 0
        self._in_headers = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Take a connection, if there aren't too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse("too-busy")
        else:
            self._allow_time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._end_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        self._framing += len(data)
        super().data_received(data)
        if self._framing > MAX_FRAMING:
            self._refuse("headers-too-large")
        elif self._in_headers and not self._timer:
            self._allow_time()

    def on_message_begin(self) -> None:
        """Begin a request; an error in here is answered as a request that makes no sense."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise ValueError("Too many requests were sent before the first was answered.")
        super().on_message_begin()
        self._in_headers = True

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._in_headers = False
        self._end_time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body in."""
        self._framing -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._framing = 0
        self._end_time()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """End an answer; a client that is still sending its body may do so for a while, so that it gets to read it."""
        super().on_response_complete()
        if self.cycle.more_body and not self._timer and not self.transport.is_closing():
            self._allow_time()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the sentence is ours
        """Answer bytes that are no request."""
        self._refuse(
            "bad-request", "This is no HTTP request that the service understands. Send it with another client."
        )

    def _allow_time(self) -> None:
        self._timer = self.loop.call_later(get_settings().header_timeout_s, self._out_of_time)

    def _end_time(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _out_of_time(self) -> None:
        self._timer = None
        self._refuse("request-timeout")

    def _refuse(self, name: str, detail: str | None = None) -> None:
        """Answer with a problem and close the connection; where an answer is under way or was sent, only close it."""
        if self.transport.is_closing():
            return
        if self.cycle is None or (self.cycle.response_complete and self._in_headers):
            kind = PROBLEM_TYPES[name]
            content = body(name, detail or kind.example).model_dump_json().encode()
            head = [f"content-type: {MEDIA_TYPE}", f"content-length: {len(content)}", "connection: close", "", ""]
            self.transport.write(STATUS_LINE[kind.status] + "\r\n".join(head).encode() + content)
        self.transport.close()
