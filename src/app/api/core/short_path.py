"""The short path: answers usual requests for a prediction without FastAPI, and hands all others to it unchanged.

Finding the route, solving parameters and parsing a form take FastAPI, Starlette and python-multipart longer than the
network takes to answer. Most requests need none of it: they have one small picture, as the body or as the only file of
a plain form. What is done with the picture is the route's own function, so the two paths cannot differ in it. Limits,
problems, log lines and metrics come from the middlewares around, also for both.
"""

import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src.app.api.core.middleware import SMALL_BODY
from src.app.api.core.problems import ApiProblem, problem_response
from src.model.errors import PictureError

Answer = Callable[[Callable[[], Awaitable[bytes]]], Awaitable[Response]]  # called with what returns the picture

MEDIA_TYPE: Final = re.compile(
    rb"multipart/form-data; boundary=([A-Za-z0-9_.-]{1,70})|image/[a-z0-9.+-]+|application/octet-stream"
)
# The headers of a file as curl, browsers and HTTP clients write them, up to its first byte.
FILE_HEADERS: Final = re.compile(
    rb'Content-Disposition: form-data; name="file"; filename="[^"\\;\x00-\x1f\x7f]{0,255}"\r\n'
    rb"(?:Content-Type: [!-~][ -~]{0,127}\r\n)?\r\n"
)


class ShortPath:
    """Answers usual requests to `path`; `answers` has the function that does, by the request's query."""

    def __init__(self, app: ASGIApp, path: str, answers: Mapping[bytes, Answer]) -> None:
        self.path = path  # also where `RequestMiddleware` finds it: this object stands for the route in the scope
        self._app = app
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        usual = self._check_headers(scope) if scope["type"] == "http" and scope["path"] == self.path else None
        if not usual:
            await self._app(scope, receive, send)
            return
        scope["route"] = self
        body = _Body(receive, usual[1])
        try:
            response = await self._answers[scope["query_string"]](body.read_picture)
        except _UnusualForm:
            response = None
        except (ApiProblem, PictureError) as error:
            response = problem_response(error)
        if response:
            await response(scope, receive, send)
        else:
            await self._app(scope, body.receive_again, send)

    def _check_headers(self, scope: Scope) -> re.Match[bytes] | None:
        """Return the match of the media type if a request is usual as far as can be seen without its body."""
        headers: dict[bytes, bytes] = scope["state"]["context"].headers
        length = headers.get(b"content-length", b"")
        if (
            scope["method"] != "POST"
            or scope["query_string"] not in self._answers
            or scope.get("root_path")
            or len(headers) != len(scope["headers"])  # one of them is there twice
            or not length.isdigit()
            or int(length) > SMALL_BODY
        ):
            return None
        return MEDIA_TYPE.fullmatch(headers.get(b"content-type", b""))


class _UnusualForm(Exception):  # noqa: N818 - it is an expected outcome, not a failure
    """FastAPI has to read this form."""


class _Body:
    """Reads the picture from a body, and keeps what it has received, so that FastAPI can start over."""

    def __init__(self, receive: Receive, boundary: bytes | None) -> None:
        self._receive = receive
        self._boundary = boundary  # of the form; None: the body is the picture
        self._received: deque[Message] = deque()
        self._complete = False

    async def read_picture(self) -> bytes:
        """Return the picture. Raises `ClientDisconnect`, or `_UnusualForm`."""
        if self._boundary is not None:
            return await self._read_form(b"--" + self._boundary)
        content = await self._read_part()
        while not self._complete:
            content += await self._read_part()
        return content

    async def _read_form(self, line: bytes) -> bytes:
        """Return the file of a form whose parts `line` divides.

        Raises `_UnusualForm` as soon as a part of the body has arrived in which the form is not plain: FastAPI may
        refuse it before the rest has arrived.
        """
        first_line = line + b"\r\n"
        content = await self._read_part()
        while not self._complete and first_line.startswith(content):  # some clients send this line on its own
            content += await self._read_part()
        headers = FILE_HEADERS.match(content, len(first_line))
        if not headers or not content.startswith(first_line):
            raise _UnusualForm
        start = searched = headers.end()
        end_line = b"\r\n" + line
        while (end := content.find(end_line, searched)) < 0 and not self._complete:
            searched = max(start, len(content) - len(end_line))
            content += await self._read_part()
        if not self._complete or content[end:] != end_line + b"--\r\n":
            raise _UnusualForm
        return content[start:end]

    async def _read_part(self) -> bytes:
        message = await self._receive()
        self._received.append(message)
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._complete = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part

    async def receive_again(self) -> Message:
        """Receive from the beginning of the body."""
        return self._received.popleft() if self._received else await self._receive()
