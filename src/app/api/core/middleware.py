"""What every request passes through, from outside to inside: `RequestMiddleware`, `CorsMiddleware`, `LimitMiddleware`.

All are pure ASGI, because Starlette's `BaseHTTPMiddleware` starts a task for each request.
"""

import asyncio
import hmac
import logging
import re
import secrets
from collections.abc import Sequence
from time import perf_counter
from typing import Final

from anyio import current_time, move_on_after
from anyio.lowlevel import checkpoint
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src.app.api.core import logs
from src.app.api.core.metrics import Metrics
from src.app.api.core.problem_types import PROBLEM_TYPES
from src.app.api.core.problems import ApiProblem, ProblemResponse, problem_response, too_busy
from src.settings import Settings

log = logging.getLogger(__name__)

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
SMALL_BODY: Final = 65_536  # bytes; bodies up to this size are accepted even when large ones have used up the limit
UNLIMITED_PATHS: Final = ("/health/", "/metrics")  # answered even when the service is busy
CLIENT_CLOSED_REQUEST: Final = 499  # logged if the client disconnects before the response (nginx's code)
SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
CONTENT_SECURITY_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class RequestContext:
    """What the middlewares know about a request; they find it in `scope["state"]["context"]`.

    It does not hold the scope: the two would keep each other alive until the next garbage collection.
    """

    __slots__ = ("body_bytes", "body_complete", "headers", "id", "status")

    def __init__(self, scope: Scope) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        client_id = self.headers.get(b"x-request-id", b"")
        self.id = client_id.decode() if REQUEST_ID.fullmatch(client_id) else secrets.token_hex(8)
        self.body_bytes = 0  # received so far
        self.body_complete = False
        self.status = 0  # 0 until the response starts


class RequestMiddleware:
    """Gives every request an id, a log line and a place in the metrics, and every response the same headers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        context = RequestContext(scope)
        scope.setdefault("state", {})["context"] = context
        logs.request_id.set(context.id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(context, message)
            await send(message)

        self._metrics.in_hand.inc()
        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            self._metrics.in_hand.dec()
            self._record(scope, context, perf_counter() - started)

    def _record(self, scope: Scope, context: RequestContext, seconds: float) -> None:
        """Count the request and write its log line."""
        route = getattr(scope.get("route"), "path", "none")
        problem = scope["state"].get("problem")
        self._metrics.request(route, context.status, seconds)
        if problem:
            self._metrics.problem(problem)
        level = logging.ERROR if context.status == PROBLEM_TYPES["internal-error"].status else logging.INFO
        if log.isEnabledFor(level):
            fields = {"method": scope["method"], "route": route, "status": context.status}
            fields |= {"ms": round(seconds * 1000, 2), "bytes": context.body_bytes}
            log.log(level, "request", extra={"fields": fields | ({"problem": problem} if problem else {})})


def _add_headers(context: RequestContext, message: Message) -> None:
    """Note the status of a response that starts, and add the headers that every response has."""
    context.status = message["status"]
    headers = [*message["headers"], *SECURITY_HEADERS, (b"x-request-id", context.id.encode())]
    if not any(name == CONTENT_SECURITY_POLICY[0] for name, _ in headers):
        headers.append(CONTENT_SECURITY_POLICY)
    message["headers"] = headers


class CorsMiddleware(CORSMiddleware):
    """Tells browsers which pages may call the service; a preflight that asks for more is answered with a problem."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer a preflight request."""
        response = super().preflight_response(request_headers)
        if response.status_code == PROBLEM_TYPES["bad-request"].status:
            headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
            detail = f"A page may not send this request from a browser: {bytes(response.body).decode()}."
            return ProblemResponse("bad-request", detail, headers)
        return response


class LimitMiddleware:
    """Applies the limits to every request, owns their counters, and turns every error into a problem."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._keys = [f"Bearer {key.get_secret_value()}".encode() for key in settings.api_keys]
        self._open_requests = 0
        self._open_body_bytes = 0  # bytes held for the bodies of all open requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; every error becomes a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context: RequestContext = scope["state"]["context"]

        async def receive_limited() -> Message:
            message = await receive()
            _raise_refusal(scope)
            self._count_body(context, message)
            return message

        self._open_requests += 1
        try:
            problem = await self._run_app(scope, context, receive_limited, send)
            if problem and not context.status:  # a response that has started can only break off
                await problem(scope, receive, send)
        finally:
            self._open_requests -= 1
            self._open_body_bytes -= context.body_bytes

    async def _run_app(
        self, scope: Scope, context: RequestContext, receive: Receive, send: Send
    ) -> ProblemResponse | None:
        """Let the app answer; return the problem to answer with if it did not."""
        try:
            # anyio waits until a thread has finished its picture; asyncio.timeout would abandon the thread.
            with move_on_after(self._settings.request_timeout_s) as deadline:

                async def send_in_time(message: Message) -> None:
                    if context.status:  # a large answer has many parts, and each gets as much time as the request
                        deadline.deadline = current_time() + self._settings.request_timeout_s
                    if "disconnected" in scope["state"]:
                        raise ClientDisconnect
                    await send(message)

                self._check_limits(scope, context)
                await self._app(scope, receive, send_in_time)
            return await self._time_out(scope, context) if deadline.cancelled_caught else None
        except ApiProblem as problem:
            return problem_response(problem)
        except ClientDisconnect:
            context.status = CLIENT_CLOSED_REQUEST
            return None
        except asyncio.CancelledError:  # the service is stopping: the client may retry with another process
            return problem_response(too_busy())
        except Exception:
            log.exception("A request failed.")
            return ProblemResponse("internal-error")

    def _check_limits(self, scope: Scope, context: RequestContext) -> None:
        """Check a request by its headers. Raises `ApiProblem` if it must not be read."""
        _raise_refusal(scope)
        path = scope["path"]
        if self._open_requests > self._settings.max_requests and not path.startswith(UNLIMITED_PATHS):
            raise too_busy()
        if self._keys and path.startswith("/api/"):
            key = context.headers.get(b"authorization", b"")
            if not any([hmac.compare_digest(key, valid) for valid in self._keys]):  # noqa: C419 - all, in constant time
                raise ApiProblem("unauthorized", headers={"WWW-Authenticate": "Bearer"})
        length = context.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._settings.max_body_bytes:
            raise self._too_large()

    def _count_body(self, context: RequestContext, message: Message) -> None:
        """Count a part of a body. Raises `ApiProblem` if the body, or all bodies together, are too large."""
        if size := len(message.get("body", b"")):
            context.body_bytes += size
            self._open_body_bytes += size
            if context.body_bytes > self._settings.max_body_bytes:
                raise self._too_large()
            if context.body_bytes > SMALL_BODY and self._open_body_bytes > self._settings.max_waiting_bytes:
                raise too_busy()
        context.body_complete = not message.get("more_body", False)

    def _too_large(self) -> ApiProblem:
        limit = f"{self._settings.max_body_bytes / 1e6:g} MB"
        return ApiProblem(
            "file-too-large", f"Send at most {limit}. Scale the picture down: 1000 pixels a side is plenty."
        )

    async def _time_out(self, scope: Scope, context: RequestContext) -> ProblemResponse:
        """Return the problem of a request that took too long. Raises `ClientDisconnect` if the answer did."""
        if context.status:
            scope["state"].get("abort", bool)()
            await checkpoint()  # the server learns of it before it misses the rest of the answer
            raise ClientDisconnect
        if context.body_complete:  # the service was slow, not the client
            return problem_response(too_busy())
        limit = f"The request was not complete within {self._settings.request_timeout_s:g} s."
        detail = f"{limit} Send it again over a faster connection, or a smaller picture."
        return ProblemResponse("request-timeout", detail, {"Connection": "close"})


def _raise_refusal(scope: Scope) -> None:
    """Raise the `ApiProblem` with which `BoundedProtocol` refuses a request, if it does."""
    if refusal := scope["state"].get("refusal"):
        raise refusal
