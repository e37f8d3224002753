"""uvicorn's HTTP protocol, stricter in what it reads, and with limits on what a connection can hold and for how long.

What is refused here is answered by `LimitMiddleware`, so that it is logged, counted and worded like every other
problem. The protocol tells it in `scope["state"]`: "refusal" is the problem to answer with, "disconnected" is there
when nobody waits for the answer any more, and "abort" is a function that cuts the connection.
"""

import asyncio
import socket
import sys
from collections import deque
from typing import Any, Final, Literal

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from src.app.api.core.problems import ApiProblem, too_busy
from src.settings import get_settings

MAX_CONNECTIONS: Final = 1000  # per worker
MAX_OVERHEAD: Final = 65_536  # bytes of a request outside its body: headers, chunk sizes, trailers
MAX_PIPELINED: Final = 16  # requests waiting on a connection for the answer to the first
MAX_UNSENT: Final = 65_536  # bytes that the kernel keeps for a peer before it makes the service wait
SINGLE_HEADERS: Final = (b"authorization", b"content-type", b"host")  # the parser itself refuses two content-lengths


class PipelineFlow(FlowControl):
    """Reads nothing more while requests wait for their turn; uvicorn's own reads on whenever the app takes a part."""

    def __init__(self, transport: asyncio.Transport, waiting: deque[Any]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """Read on if no request waits."""
        if not self._waiting:
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stage: Literal["idle", "headers", "body"] = "idle"  # what is being read
        self._overhead = 0  # bytes
        self._refused = False
        self._running: RequestResponseCycle | None = None  # the request that the app works on; `cycle` is the latest
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Accept a connection, or refuse it if there are too many."""
        super().connection_made(transport)
        self.flow = PipelineFlow(transport, self.pipeline)
        if sys.platform == "linux":
            _limit_unread(transport.get_extra_info("socket"))
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(too_busy())
        else:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up after a closed connection."""
        self._stop_timer()
        if self._running and not self._running.response_complete:  # uvicorn tells the latest request only
            self._running.disconnected = True
            self._running.scope["state"]["disconnected"] = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes; `on_body` subtracts those of the body from the overhead."""
        if self._refused:
            return
        self._unset_keepalive_if_required()
        self._overhead += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self._refuse(ApiProblem("bad-request", "This is not HTTP as the service reads it. Use another client."))
        if self._overhead > MAX_OVERHEAD:
            self._refuse(ApiProblem("headers-too-large"))
        elif self._stage == "headers" and not self._timer:
            self._start_timer()

    def _parse(self, data: bytes) -> None:
        """Feed the parser. It stops after a request for an upgrade; the service does not upgrade, so HTTP goes on."""
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
            else:
                return

    def on_message_begin(self) -> None:
        """Start to read a request."""
        if len(self.pipeline) >= MAX_PIPELINED:
            detail = f"Send at most {1 + MAX_PIPELINED} requests before the first is answered."
            self._refuse(ApiProblem("bad-request", detail))
            raise ValueError(detail)  # ends the parsing
        super().on_message_begin()
        self._stage = "headers"

    def on_headers_complete(self) -> None:
        """Start to answer."""
        if refusal := self._check_headers():
            self.scope["state"]["refusal"] = refusal
        self.scope["state"]["abort"] = self.transport.abort
        super().on_headers_complete()
        # uvicorn appends trailers to `self.headers`, until here the list in the scope: they would pass for headers.
        self.headers = []
        self._stage = "body"
        self._stop_timer()

    def _check_headers(self) -> ApiProblem | None:
        """Return the problem of headers that are too large, or that two readers could understand differently."""
        version = self.parser.get_http_version()
        size, seen = len(self.url), set()
        for name, value in self.headers:
            size += len(name) + len(value)
            if name in SINGLE_HEADERS:
                if name in seen:
                    return ApiProblem("bad-request", f"Send the header {name.decode()} only once.")
                seen.add(name)
            elif name == b"transfer-encoding" and (version != "1.1" or value.lower() != b"chunked"):
                return ApiProblem("bad-request", "Send the body in chunks of HTTP/1.1, or with a content-length.")
        if size > MAX_OVERHEAD:
            return ApiProblem("headers-too-large")
        if version != "1.0" and b"host" not in seen:
            return ApiProblem("bad-request", "Send the header host: HTTP/1.1 requires it.")
        return None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        self._overhead -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Finish reading a request."""
        self._stage = "idle"
        self._overhead = 0
        self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Finish a response; a client that is still sending its body gets time to notice and read the response."""
        super().on_response_complete()
        if self._stage == "body" and self.cycle.response_complete and not self._timer:
            self._start_timer()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(get_settings().header_timeout_s, self._time_out)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        self._timer = None
        limit = f"The headers were not complete within {get_settings().header_timeout_s:g} s."
        self._refuse(ApiProblem("request-timeout", f"{limit} Send them again over a faster connection."))

    def _refuse(self, problem: ApiProblem) -> None:
        """Read no more, answer with a problem in place of the request that is being read, and close the connection.

        Requests that were read before are answered first. Without a request, the problem is the answer to an empty one.
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._stop_timer()
        if self._stage == "body":
            if self.cycle.response_complete:
                self.transport.close()
                return
            self.scope["state"]["refusal"] = problem
            self.cycle.message_event.set()  # the app may be waiting for the body
        else:
            if self._stage == "idle":
                super().on_message_begin()
            self.scope["state"]["refusal"] = problem
            has_method, self.url = bool(self.url), b"/"
            super().on_headers_complete()
            if not has_method:
                self.scope["method"] = ""
        self._stage = "idle"
        self.cycle.keep_alive = False


def _limit_unread(connection: socket.socket) -> None:
    """Limit what the kernel keeps for a peer that does not read, and for how long.

    The kernel drops the connection when the peer has taken nothing for the whole time. Unlike a timer of our own, it
    also does so after the service has closed the connection.
    """
    timeout_ms = int(get_settings().request_timeout_s * 1000)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT)
