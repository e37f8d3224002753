"""The short path cannot be told from the ordinary one: requests go through both, and everything is compared."""

import asyncio
import itertools
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
import requests
from httpx import Request, SyncByteStream
from hypothesis import event, given, settings
from hypothesis import strategies as st
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src.app.api.core import logs
from src.app.api.core.metrics import Metrics
from src.app.api.core.middleware import RequestMiddleware
from src.app.api.core.problems import ApiProblem
from src.app.api.core.short_path import Answer, ShortPath
from src.app.main import create_app
from src.settings import Settings
from tests.app.api.api_client import BATCH, PREDICT, event_loop
from tests.pictures import drawn, encoded, mnist

# Starlette drops the file of a form without an end instead of closing it; it is in memory only.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")

Headers = tuple[tuple[bytes, bytes], ...]
Parts = tuple[bytes, ...]

FOUR: Final = encoded(mnist(4))
DRAWING: Final = encoded(drawn(4).convert("RGBA"))
KEY: Final = "a-key-of-sixteen-letters"
AUTHORISED: Final = (b"authorization", f"Bearer {KEY}".encode())
DISPOSITION: Final = b'Content-Disposition: form-data; name="file"; filename="four.png"'
LIMIT: Final = 80_000  # bytes of a body; the short path reads fewer


@dataclass(frozen=True)
class Sent:
    """A request as it arrives."""

    headers: Headers
    parts: Parts  # of the body
    method: str = "POST"
    path: str = PREDICT
    query: bytes = b""
    complete: bool = True  # otherwise the client closes the connection after the last part
    stalls: bool = False  # instead of closing it, the client sends nothing more
    refused_at: int | None = None  # the part at which the protocol refuses the request


@dataclass
class Seen:
    """What can be observed of a request, without ids and times."""

    messages: list[dict[str, Any]]
    taken: int  # parts of the body that were received before the answer
    log: list[dict[str, Any]]
    metrics: list[str]


class Lines(logging.Handler):
    """Keeps the log lines."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.JsonLines())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = json.loads(self.format(record))
        own = {"time", "ms", "request_id", "exception"}  # an exception's traceback names the modules it passed
        self.lines.append(
            {name: value for name, value in line.items() if name not in own} | {"id": len(line["request_id"])}
        )


class Service:
    """A service in this process."""

    def __init__(self, short: bool, **changed: Any) -> None:
        origins = ("https://page.example",)
        self.app = create_app(Settings(api_keys=(KEY,), cors_origins=origins, max_body_bytes=LIMIT, **changed))
        self.state = self.app.state.service
        if not short:
            [layer] = [layer for layer in self.app.user_middleware if "answers" in layer.kwargs]
            self.app.user_middleware.remove(layer)
        self._lines = Lines()

    def ask(self, sent: Sent) -> Seen:
        """Send a request."""
        logger = logging.getLogger("src")
        level = logger.level
        logger.addHandler(self._lines)
        logger.setLevel(logging.INFO)
        try:
            messages, taken = asyncio.run_coroutine_threadsafe(_exchange(self.app, sent), event_loop()).result()
        finally:
            logger.removeHandler(self._lines)
            logger.setLevel(level)
        lines, self._lines.lines = self._lines.lines, []
        metrics = self.state.metrics.render().decode().splitlines()
        return Seen(
            [_without_id(message) for message in messages],
            taken,
            lines,
            [line for line in metrics if not re.match(r"digits_(request|network)_seconds_(bucket|sum)", line)],
        )


async def _exchange(app: ASGIApp, sent: Sent) -> tuple[list[Message], int]:
    """Send a request to an app; return the messages of its answer, and how many parts it took before the first."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": sent.method,
        "scheme": "http",
        "path": sent.path,
        "raw_path": sent.path.encode(),
        "root_path": "",
        "query_string": sent.query,
        "headers": list(sent.headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {"abort": bool},
    }
    messages: list[Message] = []
    taken = taken_before = 0

    async def receive() -> Message:
        nonlocal taken
        number, taken = taken, taken + 1
        if number == sent.refused_at:
            scope["state"]["refusal"] = ApiProblem("request-timeout", "The protocol refuses this request.")
        if number >= len(sent.parts):
            if sent.stalls:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}
        more = not sent.complete or number + 1 < len(sent.parts)
        return {"type": "http.request", "body": sent.parts[number], "more_body": more}

    async def send(message: Message) -> None:
        nonlocal taken_before
        if not messages:
            taken_before = taken
        messages.append(message)

    await app(scope, receive, send)
    return messages, taken_before


def _without_id(message: Message) -> dict[str, Any]:
    """Replace an id that the service made up."""
    headers = [(name, re.sub(rb"^[0-9a-f]{16}$", b"an id", value)) for name, value in message.get("headers", ())]
    return {**message, "headers": headers}


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Service, Service]]:
    """Yield a service with the short path, and one without, each with a network."""
    services = Service(short=True), Service(short=False)
    for service in services:
        service.state.repository.refresh()
    yield services
    for service in services:
        asyncio.run_coroutine_threadsafe(service.state.executor.close(), event_loop()).result()


def assert_same(both: tuple[Service, Service], sent: Sent) -> Seen:
    """Check that both services answer alike, and return what was seen."""
    short, ordinary = (service.ask(sent) for service in both)
    assert short == ordinary
    return short


def form(boundary: bytes, *parts: tuple[bytes, bytes]) -> bytes:
    """Return a form of parts, each with its headers and its content."""
    body = b"".join(b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary, headers, content) for headers, content in parts)
    return body + b"--%b--\r\n" % boundary


def usual_headers(media_type: bytes, body: bytes) -> Headers:
    """Return the headers of a request."""
    return (AUTHORISED, (b"content-type", media_type), (b"content-length", b"%d" % len(body)))


PICTURES: Final = (
    *(FOUR, DRAWING, b"", b"a four", FOUR[:200], encoded(mnist(4).point(lambda _: 0)), encoded(mnist(4), "BMP")),
    FOUR + bytes(66_000),  # too long for the short path
    FOUR + bytes(90_000),  # too long for both
)
BOUNDARIES: Final = (
    b"x",
    b"----WebKitFormBoundaryAbc123",
    b"-" * 24 + b"0a1b",
    b"a" * 70,
    b"a" * 71,
    b"a+b",
    b"a" * 300,
)
NEAR_BOUNDARIES: Final = (
    b"\r\n--",
    b"\r\n--x",
    b"\n--x--\r\n",
    b"\r\n--x--\r\n",
    b"\r\n--x\r\n\r\n",
    b"\r",
    b"\r\n--xy",
)
DISPOSITIONS: Final = (
    DISPOSITION,
    DISPOSITION.lower(),
    *(
        DISPOSITION.replace(b"four.png", name)
        for name in (b"", b'a\\"b', b"a;b", b"a*=b", b"a\r\nX: y", b"a\\", "vier ä.png".encode(), b"\xff")
    ),
    DISPOSITION.replace(b"four.png", b"C:\\four.png"),
    DISPOSITION + b"; filename*=UTF-8''four.png",
    DISPOSITION.replace(b'"file"', b"file"),
    DISPOSITION.replace(b'name="file"; ', b""),
    DISPOSITION.replace(b'"file"', b'"picture"'),
    b'Content-Disposition: form-data; name="file"',
    b'Content-Disposition: form-data; filename="four.png"; name="file"',
    b"Content-Disposition: attachment",
    b"",
)
PART_TYPES: Final = (
    b"",
    b"\r\nContent-Type: image/png",
    b"\r\nContent-Type:image/png",
    b"\r\nContent-Type",
    b"\r\nX: y",
)


@st.composite
def forms(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Draw a form, as a content type and a body: plain, unusual or broken."""
    boundary = draw(st.sampled_from(BOUNDARIES))
    plain = (DISPOSITION + b"\r\nContent-Type: image/png", draw(st.sampled_from(PICTURES)))
    other_part = st.tuples(
        st.builds(bytes.__add__, st.sampled_from(DISPOSITIONS), st.sampled_from(PART_TYPES)),
        st.sampled_from((*PICTURES[:4], *NEAR_BOUNDARIES)),
    )
    parts = draw(
        st.one_of(st.just([plain]), st.lists(other_part, max_size=3), other_part.map(lambda part: [plain, part]))
    )
    body = form(boundary, *parts)
    how = draw(st.sampled_from(("as it is", "as it is", "cut", "changed", "inserted", "more", "before", "open end")))
    place = draw(st.integers(0, min(len(body), 200)) | st.integers(0, len(body)))
    match how:
        case "cut":
            body = body[:place]
        case "changed":
            body = body[:place] + draw(st.binary(min_size=1, max_size=1)) + body[place + 1 :]
        case "inserted":
            body = body[:place] + draw(st.sampled_from(NEAR_BOUNDARIES)) + body[place:]
        case "more":
            body += draw(st.sampled_from((b"\r\n", b"epilogue", FOUR)))
        case "before":
            body = draw(st.sampled_from((b"\r\n", b"preamble\r\n"))) + body
        case "open end":
            body = body.removesuffix(b"\r\n")
    media_types = [b"multipart/form-data; boundary=%b"] * 4 + [
        *(
            b'multipart/form-data; boundary="%b"',
            b"Multipart/Form-Data; Boundary=%b",
            b"multipart/form-data;boundary=%b",
        ),
        *(
            b"multipart/form-data; boundary=%b; charset=utf-8",
            b"multipart/form-data; x=%b",
            b"multipart/mixed; boundary=%b",
        ),
    ]
    return draw(st.sampled_from(media_types)) % boundary, body


@st.composite
def requests_(draw: st.DrawFn) -> Sent:
    """Draw a request."""
    raw_types = (
        b"image/png",
        b"image/svg+xml",
        b"application/octet-stream",
        b"IMAGE/PNG",
        b"image/png; q=1",
        b"image/",
    )
    other_types = (
        b"application/json",
        b"text/plain",
        b"",
        b" image/png",
        b"application/x-www-form-urlencoded",
    )
    media_type, body = draw(forms() | st.tuples(st.sampled_from(raw_types + other_types), st.sampled_from(PICTURES)))
    rarely = st.sampled_from((False,) * 7 + (True,))
    length = draw(
        st.sampled_from(
            ((b"content-length", b"%d" % len(body)),) * 6 + ((b"content-length", b"00%d" % len(body)), None)
        )
    )
    optional = (
        None if draw(rarely) else AUTHORISED,
        None if draw(rarely) else (b"content-type", media_type),
        length or (b"transfer-encoding", b"chunked"),
        draw(st.sampled_from((None, None, (b"x-request-id", b"sent"), (b"x-request-id", b"not allowed")))),
        draw(
            st.sampled_from((None, None, (b"origin", b"https://page.example"), (b"origin", b"https://other.example")))
        ),
        (b"expect", b"100-continue") if draw(rarely) else None,
        (b"content-type", b"image/png") if draw(rarely) else None,
        (b"accept", b"text/html") if draw(rarely) else None,
    )
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=3)))
    queries = (
        b"details=1",
        b"details=true&details=false",
        b"details=%74rue",
        b"detail=true",
        b"details=true&detail=true",
        b"activations=true&model=0.0.1",
        b"details=true&change=true",
        b"Details=true",
        b"steps=true",
        b"model=none",
        b"x",
    )
    return Sent(
        tuple(header for header in optional if header),
        tuple(body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)),
        method=draw(st.sampled_from(("POST",) * 8 + ("GET", "HEAD", "PUT", "OPTIONS"))),
        path=draw(
            st.sampled_from((PREDICT,) * 12 + (PREDICT + "/", BATCH, "/api/v1/read", "/health/live", "/nowhere"))
        ),
        query=draw(st.sampled_from((b"",) * 6 + (b"details=true",) * 3 + (b"details=false", b"") + queries)),
        complete=not draw(rarely),
        refused_at=draw(st.none() | st.integers(0, 3)) if draw(rarely) else None,
    )


@settings(max_examples=250, deadline=None, derandomize=True, database=None)
@given(requests_())
def test_both_paths_answer_alike(both: tuple[Service, Service], sent: Sent) -> None:
    seen = assert_same(both, sent)
    event(f"status {seen.messages[0]['status'] if seen.messages else None}")


@settings(max_examples=250, deadline=None, derandomize=True, database=None)
@given(forms(), st.lists(st.integers(0, 2000), max_size=4), st.booleans())
def test_both_paths_read_forms_alike(
    both: tuple[Service, Service], drawn_form: tuple[bytes, bytes], cuts: list[int], complete: bool
) -> None:
    media_type, body = drawn_form
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    parts = tuple(body[start:end] for start, end in itertools.pairwise(places))
    assert_same(both, Sent(usual_headers(media_type, body), parts, complete=complete))


def echo(details: bytes) -> Answer:
    """Return a function that answers with the picture."""

    async def answer(read_picture: Callable[[], Awaitable[bytes]]) -> Response:
        return Response(await read_picture(), headers={"details": details.decode()})

    return answer


async def fastapi(_: Scope, receive: Receive, send: Send) -> None:
    """Stand in for FastAPI; answer with everything that is received."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    await Response(body, headers={"by": "fastapi"})({"type": "http"}, receive, send)


def ask_short_path(sent: Sent) -> tuple[dict[bytes, bytes], bytes]:
    """Return the headers and the body of the answer of the short path alone, in front of a stand-in for FastAPI."""
    app = RequestMiddleware(
        ShortPath(fastapi, PREDICT, {b"": echo(b"no"), b"details=true": echo(b"yes")}), Metrics(None)
    )
    [start, end], _ = asyncio.run_coroutine_threadsafe(_exchange(app, sent), event_loop()).result()
    return dict(start["headers"]), end["body"]


def sent_by_httpx() -> Sent:
    request = Request("POST", "http://digits", files={"file": ("vier ä.png", FOUR, "image/png")})
    assert isinstance(request.stream, SyncByteStream)
    return Sent(tuple((name.lower(), value) for name, value in request.headers.raw), tuple(request.stream))


def sent_by_requests() -> Sent:
    request = requests.Request("POST", "http://digits", files={"file": ("four.png", FOUR)}).prepare()
    headers = tuple((name.lower().encode(), value.encode()) for name, value in request.headers.items())
    return Sent(headers, (request.body,))  # type: ignore[arg-type] # bytes


def sent_by_a_browser() -> Sent:
    boundary = b"----WebKitFormBoundary7MA4YWxkTrZu0gW"
    body = form(boundary, (DISPOSITION + b"\r\nContent-Type: image/png", FOUR))
    return Sent(usual_headers(b"multipart/form-data; boundary=" + boundary, body), (body,))


def sent_as_the_body() -> Sent:
    return Sent(usual_headers(b"image/png", FOUR), (FOUR[:10], FOUR[10:]))


@pytest.mark.parametrize("build", [sent_by_httpx, sent_by_requests, sent_by_a_browser, sent_as_the_body])
@pytest.mark.parametrize(("query", "details"), [(b"", b"no"), (b"details=true", b"yes")])
def test_requests_of_usual_clients_do_not_reach_fastapi(
    build: Callable[[], Sent], query: bytes, details: bytes
) -> None:
    headers, body = ask_short_path(replace(build(), query=query))
    assert headers.get(b"details") == details
    assert body == FOUR


def test_an_unusual_form_is_handed_on_from_its_beginning() -> None:
    body = form(b"x", (DISPOSITION, FOUR), (DISPOSITION, FOUR))
    headers = usual_headers(b"multipart/form-data; boundary=x", body)
    answer_headers, received = ask_short_path(Sent(headers, (body[:200], body[200:300], body[300:])))
    assert answer_headers[b"by"] == b"fastapi"
    assert received == body


@pytest.mark.parametrize("stalls", [True, False])
def test_clients_that_stop_sending_are_treated_alike(stalls: bool) -> None:
    impatient = Service(short=True, request_timeout_s=0.2), Service(short=False, request_timeout_s=0.2)
    for service in impatient:
        service.state.repository.refresh()
    for sent in (sent_by_a_browser(), sent_as_the_body()):
        seen = assert_same(impatient, replace(sent, parts=(sent.parts[0][:200],), complete=False, stalls=stalls))
        assert [line["status"] for line in seen.log] == [408 if stalls else 499]


def test_without_a_network_both_refuse_before_they_read() -> None:
    seen = assert_same((Service(short=True), Service(short=False)), sent_by_a_browser())
    assert (seen.messages[0]["status"], seen.taken) == (503, 0)


def test_failures_are_answered_alike(both: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a failure")

    for service in both:
        monkeypatch.setattr(service.state.executor, "preprocess", fail)
    seen = assert_same(both, sent_by_a_browser())
    assert seen.messages[0]["status"] == 500
    assert len(seen.log) == 2
