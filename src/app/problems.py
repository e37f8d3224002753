"""Errors → `application/problem+json` (RFC 9457), all in one place."""

from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src.app.schemas import Problem
from src.model import errors

MEDIA_TYPE: Final = "application/problem+json"

# error → (status, name, title). The name ends the `type`, which stays as it is for good.
PICTURE_PROBLEMS: Final[dict[type[errors.PictureError], tuple[HTTPStatus, str, str]]] = {
    errors.EmptyFile: (HTTPStatus.BAD_REQUEST, "empty-file", "The file is empty"),
    errors.UnsupportedFormat: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-format", "Not a picture"),
    errors.DamagedPicture: (HTTPStatus.BAD_REQUEST, "damaged-picture", "The picture is damaged"),
    errors.TooManyPixels: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-many-pixels", "The picture is too large"),
    errors.BlankPicture: (HTTPStatus.UNPROCESSABLE_ENTITY, "blank-picture", "Nothing is drawn"),
}

NOT_READY: Final = (HTTPStatus.SERVICE_UNAVAILABLE, "not-ready", "No network is loaded")


class NotReady(Exception):  # noqa: N818 - the name is the problem's name
    """No network is loaded; the text says why."""


def response(
    status: HTTPStatus, name: str, title: str, detail: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Return a problem as a response."""
    problem = Problem(type=f"/problems/{name}", title=title, status=status, detail=detail)
    return JSONResponse(problem.model_dump(), status, headers, MEDIA_TYPE)


def too_large(max_body_bytes: int) -> JSONResponse:
    """Return the problem of a request body over the limit."""
    return response(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "file-too-large",
        "The file is too large",
        f"Send at most {max_body_bytes / 1e6:g} MB. Scale the picture down: 1000 pixels a side is plenty.",
    )


def install(app: FastAPI, max_body_bytes: int) -> None:
    """Make every error of `app` a problem."""

    async def bad_picture(_: Request, error: Exception) -> JSONResponse:
        status, name, title = PICTURE_PROBLEMS[type(error)]  # type: ignore[index] # registered for these types only
        return response(status, name, title, str(error))

    async def http_error(_: Request, error: Exception) -> JSONResponse:
        return _of_status(cast(HTTPException, error), max_body_bytes)

    for kind in PICTURE_PROBLEMS:
        app.add_exception_handler(kind, bad_picture)
    app.add_exception_handler(NotReady, _not_ready)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, _internal)
    app.add_middleware(BodyLimitProblems, max_body_bytes=max_body_bytes)


async def _not_ready(_: Request, error: Exception) -> JSONResponse:
    return response(*NOT_READY, str(error), {"Retry-After": "5"})


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    found = cast(RequestValidationError, error).errors()
    wrong = {".".join(str(part) for part in one["loc"]): one["msg"] for one in found}
    detail = "; ".join(f"{place}: {message}" for place, message in wrong.items())
    if "body.file" in wrong:
        detail = "Send the picture as multipart form data in the field `file`: curl -F file=@digit.png …"
    return response(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", "The request is not as expected", detail)


async def _internal(_: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - the server logs it
    detail = "The service failed on this request; it has been logged. Try once more, and report it if it stays."
    return response(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "Something broke", detail)


def _of_status(error: HTTPException, max_body_bytes: int) -> JSONResponse:
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return too_large(max_body_bytes)
    name = status.phrase.lower().replace(" ", "-")
    headers = dict(error.headers) if error.headers else None
    return response(status, name, status.phrase, _SENTENCES.get(status, error.detail), headers)


_SENTENCES: Final = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address. Pictures go to POST /api/v1/predict; /docs shows all.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take this method. Pictures go to POST /api/v1/predict.",
}


class BodyLimitProblems:
    """Turns the plain-text 413 of Starlette's body limit, which no exception handler sees, into a problem."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and one kind of answer back in another form."""
        replaced = False

        async def send_problem(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_plain_413(message):
                replaced = True
                await too_large(self.max_body_bytes)(scope, receive, send)
            elif not replaced:
                await send(message)

        await self.app(scope, receive, send_problem)


def _is_plain_413(message: Message) -> bool:
    kind: bytes = dict(message["headers"]).get(b"content-type", b"")
    return bool(message["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and kind.startswith(b"text/plain"))


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's description of problems with these statuses, each with an example."""
    known = (*PICTURE_PROBLEMS.values(), NOT_READY)
    examples = {status: _example(status, name, title) for status, name, title in known}
    schema = Problem.model_json_schema()
    return {
        int(status): {
            "description": status.phrase,
            "content": {MEDIA_TYPE: {"schema": schema, "example": examples[status]}},
        }
        for status in statuses
    }


def _example(status: HTTPStatus, name: str, title: str) -> dict[str, Any]:
    detail = "A sentence that says what to do."
    return Problem(type=f"/problems/{name}", title=title, status=status, detail=detail).model_dump()
