"""What every request passes through: an id, the bounds, the log line, the counts, and the headers of the answer."""

import asyncio
import hmac
import logging
import re
import secrets
from time import perf_counter
from typing import Final

from anyio import move_on_after
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src.app.api.core import logs
from src.app.api.core.metrics import Metrics
from src.app.api.core.problem_types import PROBLEM_TYPES
from src.app.api.core.problems import ApiProblem, ProblemResponse, response
from src.settings import Settings

log = logging.getLogger(__name__)

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
SMALL_BODY: Final = 65_536  # bytes: a body up to this size is taken in however many large ones are held
ALWAYS_OPEN: Final = ("/health/", "/metrics")  # who watches a service must see it when it is busy
GONE: Final = 499  # the status logged where the client left before the answer
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class RequestMiddleware:
    """Lets requests in, one `RequestContext` each. Pure ASGI: a `BaseHTTPMiddleware` costs a task for each request."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._keys = [f"Bearer {key.get_secret_value()}".encode() for key in settings.api_keys]
        self.settings = settings
        self.in_hand = 0  # requests
        self.held = 0  # bytes of their bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; whatever goes wrong with it is answered as a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        passage = RequestContext(self, scope, receive, send)
        logs.request_id.set(passage.id)
        self.in_hand += 1
        self._metrics.in_hand.inc()
        try:
            await self._answer(scope, passage)
        finally:
            self.in_hand -= 1
            self.held -= passage.received
            self._metrics.in_hand.dec()
            self._note(scope, passage, perf_counter() - started)

    async def _answer(self, scope: Scope, passage: "RequestContext") -> None:
        try:
            # anyio's, since it lets a thread finish its picture: asyncio's would leave it behind, and start another
            with move_on_after(self.settings.request_timeout_s) as limit:
                self._admit(scope, passage)
                await self._app(scope, passage.receive, passage.send)
            if limit.cancelled_caught:
                await passage.answer(response(self._too_late(passage)))
        except ApiProblem as refusal:
            await passage.answer(response(refusal))
        except ClientDisconnect:
            passage.status = GONE
        except asyncio.CancelledError:  # the time of grace is over: another process may answer
            await passage.answer(response(too_busy()))
        except Exception:
            log.exception("A request failed.")
            await passage.answer(ProblemResponse("internal-error", PROBLEM_TYPES["internal-error"].example))

    def _admit(self, scope: Scope, passage: "RequestContext") -> None:
        """Raise `ApiProblem` unless the request may come in."""
        path = scope["path"]
        if self.in_hand > self.settings.max_requests and not path.startswith(ALWAYS_OPEN):
            raise too_busy()
        if self._keys and path.startswith("/api/"):
            given = passage.headers.get(b"authorization", b"")
            if not any([hmac.compare_digest(given, key) for key in self._keys]):  # noqa: C419 - all, in constant time
                raise ApiProblem("unauthorized", headers={"WWW-Authenticate": "Bearer"})
        length = passage.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self.settings.max_body_bytes:
            raise self.too_large()

    def too_large(self) -> ApiProblem:
        """Return what a body over the limit is answered with."""
        most = f"{self.settings.max_body_bytes / 1e6:g} MB"
        return ApiProblem(
            "file-too-large", f"Send at most {most}. Scale the picture down: 1000 pixels a side is plenty."
        )

    def _too_late(self, passage: "RequestContext") -> ApiProblem:
        if passage.arrived:
            return too_busy()
        limit = f"The request was not complete within {self.settings.request_timeout_s:g} s."
        return ApiProblem(
            "request-timeout",
            f"{limit} Send it again over a faster connection, or a smaller picture.",
            {"Connection": "close"},
        )

    def _note(self, scope: Scope, passage: "RequestContext", seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        problem = scope.get("state", {}).get("problem")
        self._metrics.request(route, passage.status, seconds)
        if problem:
            self._metrics.problem(problem)
        level = logging.ERROR if passage.status == PROBLEM_TYPES["internal-error"].status else logging.INFO
        if log.isEnabledFor(level):
            fields = {"method": scope["method"], "route": route, "status": passage.status}
            fields |= {"ms": round(seconds * 1000, 2), "bytes": passage.received}
            log.log(level, "request", extra={"fields": fields | ({"problem": problem} if problem else {})})


class RequestContext:
    """One request on its way through: counts what comes in, and adds its headers to what goes out."""

    __slots__ = ("_gate", "_receive", "_scope", "_send", "arrived", "headers", "id", "received", "status")

    def __init__(self, gate: RequestMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
        self._gate = gate
        self._scope = scope
        self._receive = receive
        self._send = send
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        given = self.headers.get(b"x-request-id", b"")
        self.id = given.decode() if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        self.received = 0  # bytes
        self.arrived = False  # as a whole
        self.status = 0  # none yet

    async def receive(self) -> Message:
        """Take in a part of the body. Raises `ApiProblem` for more than may be held."""
        message = await self._receive()
        if size := len(message.get("body", b"")):
            self.received += size
            self._gate.held += size
            if self.received > self._gate.settings.max_body_bytes:
                raise self._gate.too_large()
            if self.received > SMALL_BODY and self._gate.held > self._gate.settings.max_waiting_bytes:
                raise too_busy()
        self.arrived = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], *HEADERS, (b"x-request-id", self.id.encode())]
            if not any(name == POLICY[0] for name, _ in headers):
                headers.append(POLICY)
            message["headers"] = headers
        await self._send(message)

    async def answer(self, problem: ProblemResponse) -> None:
        """Answer with a problem, unless an answer is under way: then the connection breaks off."""
        if not self.status:
            await problem(self._scope, self._receive, self.send)


def too_busy() -> ApiProblem:
    """Return what a request is answered with that there is no room for."""
    return ApiProblem("too-busy", headers={"Retry-After": "1"})
