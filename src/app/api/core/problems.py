"""Turns every error into an `application/problem+json` response (RFC 9457)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from src.app.api.core.problem_types import PROBLEM_TYPES
from src.model.errors import PICTURE_PROBLEMS, PictureError

MEDIA_TYPE: Final = "application/problem+json"

log = logging.getLogger(__name__)


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: str = Field(description="a stable name that a program can switch on")
    title: str
    status: int
    detail: str = Field(description="a sentence that says what to do")


class ApiProblem(Exception):  # noqa: N818 - it is the answer to a request, not a failure of the service
    """Raised to answer a request with the problem `name`; `detail` defaults to the example of its type."""

    def __init__(self, name: str, detail: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail or PROBLEM_TYPES[name].example)
        self.name = name
        self.headers = headers


class ProblemResponse(JSONResponse):
    """A response with a problem; it puts the name into the scope, where metrics and the log find it."""

    media_type = MEDIA_TYPE

    def __init__(self, name: str, detail: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.name = name
        super().__init__(build_problem(name, detail).model_dump(), PROBLEM_TYPES[name].status, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        scope.setdefault("state", {})["problem"] = self.name
        await super().__call__(scope, receive, send)


def build_problem(name: str, detail: str | None = None) -> Problem:
    """Return the body of the problem `name`; `detail` defaults to the example of its type."""
    problem_type = PROBLEM_TYPES[name]
    return Problem(
        type=f"/problems/{name}",
        title=problem_type.title,
        status=problem_type.status,
        detail=detail or problem_type.example,
    )


def problem_response(error: ApiProblem | PictureError) -> ProblemResponse:
    """Return the response for a raised problem, or for a picture that can't be read."""
    if isinstance(error, PictureError):
        return ProblemResponse(PICTURE_PROBLEMS[type(error)], str(error))
    return ProblemResponse(error.name, str(error), error.headers)


def too_busy() -> ApiProblem:
    """Return the problem for a request that the service has no capacity for."""
    return ApiProblem("too-busy", headers={"Retry-After": "1"})


def add_handlers(app: FastAPI) -> None:
    """Make `app` answer every error with a problem."""
    for error_type in (*PICTURE_PROBLEMS, ApiProblem):
        app.add_exception_handler(error_type, _handle_problem)
    app.add_exception_handler(RequestValidationError, _handle_invalid_request)
    app.add_exception_handler(HTTPException, _handle_status)


async def _handle_problem(_: Request, error: Exception) -> ProblemResponse:
    return problem_response(cast(ApiProblem | PictureError, error))


async def _handle_invalid_request(_: Request, error: Exception) -> ProblemResponse:
    messages = [
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}."
        for problem in cast(RequestValidationError, error).errors()
    ]
    return ProblemResponse("invalid-request", f"{' '.join(messages)} See /docs for what this address takes.")


async def _handle_status(_: Request, error: Exception) -> ProblemResponse:
    """Answer an `HTTPException` that Starlette or FastAPI raised."""
    raised = cast(HTTPException, error)
    name = {404: "not-found", 405: "method-not-allowed", 413: "file-too-large"}.get(raised.status_code)
    if name:
        return ProblemResponse(name, headers=raised.headers)
    if raised.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ProblemResponse("bad-request", f"The request can't be understood: {raised.detail}", raised.headers)
    log.error("Unexpected status %s was raised.", raised.status_code)
    return ProblemResponse("internal-error")
