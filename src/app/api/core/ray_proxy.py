"""What Ray's HTTP proxy does before a request goes to a replica (`src/app/ray_serve.py`).

The proxy gets the service's protocol and middlewares, so that limits, problems and headers are the same as without Ray.
It answers by itself what needs no replica, and hands on only complete requests, so that no slow client keeps a replica
busy. A proxy has the settings of its node's environment.
"""

import sys
from typing import Any, Final

from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import HTTP_PROTOCOLS

from src.app.api.core.metrics import Metrics
from src.app.api.core.middleware import (
    CONTENT_SECURITY_POLICY,
    SECURITY_HEADERS,
    CorsMiddleware,
    LimitMiddleware,
    RequestMiddleware,
)
from src.app.api.core.problems import ApiProblem, too_busy
from src.app.api.core.protocol import BoundedProtocol
from src.settings import get_settings

ADDED_BY_PROXY: Final = {name for name, _ in SECURITY_HEADERS} | {b"x-request-id"}


def configure_proxy() -> list[Middleware]:
    """Return the middlewares of Ray's proxy, from inside to outside; Ray calls this in the proxy's process."""
    HTTP_PROTOCOLS["auto"] = "src.app.api.core.ray_proxy:ProxyProtocol"  # Ray leaves the choice to uvicorn
    settings = get_settings()
    # Requests are limited by `Options`, connections by the protocol.
    limited = settings.model_copy(update={"max_requests": sys.maxsize})
    middlewares = [Middleware(ReplicaMiddleware), Middleware(LimitMiddleware, settings=limited)]
    if settings.cors_origins:
        middlewares.append(Middleware(CorsMiddleware, origins=settings.cors_origins))
    # The replicas count requests; what the proxy counts is not published.
    return [*middlewares, Middleware(RequestMiddleware, metrics=Metrics(None))]


class ProxyProtocol(BoundedProtocol):
    """Names no server, which Ray does not let us configure."""

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        cycle.default_headers = [header for header in cycle.default_headers if header[0] != b"server"]
        super()._start_asgi_task(cycle, app)


class ReplicaMiddleware:
    """Passes complete requests to a replica, and turns Ray's own errors into problems."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. Raises `ApiProblem` if Ray has no answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parts = await _read_body(receive)
        status = 0  # of an error of Ray's

        async def receive_read() -> Message:
            return parts.pop(0) if parts else await receive()

        async def send_answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                names = {bytes(name) for name, _ in message["headers"]}
                if message["status"] >= 400 and CONTENT_SECURITY_POLICY[0] not in names:
                    status = message["status"]
                message["headers"] = [header for header in message["headers"] if header[0] not in ADDED_BY_PROXY]
            if not status:
                await send(message)

        await self._app(_make_portable(scope), receive_read, send_answer)
        if status or not scope["state"]["context"].status:  # a replica that died leaves no answer
            raise ApiProblem("not-found") if status == 404 else too_busy()


async def _read_body(receive: Receive) -> list[Message]:
    """Return the messages of a request's body. Raises `ClientDisconnect` if the client leaves."""
    messages: list[Message] = []
    while not messages or messages[-1].get("more_body", False):
        messages.append(await receive())
        if messages[-1]["type"] == "http.disconnect":
            raise ClientDisconnect
    return messages


def _make_portable(scope: Scope) -> Scope:
    """Return a scope that can be sent to another process: without the state, whose request id becomes a header."""
    request_id = scope["state"]["context"].id.encode()
    headers = [header for header in scope["headers"] if header[0] != b"x-request-id"]
    return {**scope, "headers": [*headers, (b"x-request-id", request_id)], "state": {}}
