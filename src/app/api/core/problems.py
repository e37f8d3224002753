"""Errors → `application/problem+json` (RFC 9457), all in one place."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from src.app.api.core.problem_types import OF_PICTURES, PROBLEM_TYPES
from src.model import errors

MEDIA_TYPE: Final = "application/problem+json"

log = logging.getLogger(__name__)


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: str = Field(description="a stable name that a program can switch on")
    title: str
    status: int
    detail: str = Field(description="a sentence that says what to do")


class ApiProblem(Exception):  # noqa: N818 - it is raised to answer a request, and no error of the service
    """A request is answered with the problem `name`; the text is its sentence, by default the kind's example."""

    def __init__(self, name: str, detail: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail or PROBLEM_TYPES[name].example)
        self.name = name
        self.headers = headers


class ProblemResponse(JSONResponse):
    """A problem as a response; it leaves its name in the scope, for what counts and logs."""

    media_type = MEDIA_TYPE

    def __init__(self, name: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        self.name = name
        super().__init__(body(name, detail).model_dump(), PROBLEM_TYPES[name].status, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        scope.setdefault("state", {})["problem"] = self.name
        await super().__call__(scope, receive, send)


def body(name: str, detail: str) -> Problem:
    """Return the problem `name` as what goes over the wire."""
    kind = PROBLEM_TYPES[name]
    return Problem(type=f"/problems/{name}", title=kind.title, status=kind.status, detail=detail)


def example(name: str) -> dict[str, Any]:
    """Return the problem `name` as the documentation shows it."""
    return body(name, PROBLEM_TYPES[name].example).model_dump()


def response(refusal: ApiProblem) -> ProblemResponse:
    """Return a refusal as a response."""
    return ProblemResponse(refusal.name, str(refusal), refusal.headers)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""
    for kind in OF_PICTURES:
        app.add_exception_handler(kind, _bad_picture)
    app.add_exception_handler(ApiProblem, _refused)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _of_status)


async def _bad_picture(_: Request, error: Exception) -> ProblemResponse:
    return ProblemResponse(OF_PICTURES[type(cast(errors.PictureError, error))], str(error))


async def _refused(_: Request, error: Exception) -> ProblemResponse:
    return response(cast(ApiProblem, error))


async def _invalid_request(_: Request, error: Exception) -> ProblemResponse:
    found = cast(RequestValidationError, error).errors()
    wrong = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}." for one in found]
    return ProblemResponse("invalid-request", f"{' '.join(wrong)} See /docs for what this address takes.")


async def _of_status(_: Request, error: Exception) -> ProblemResponse:
    """Answer what Starlette and FastAPI raise by themselves."""
    raised = cast(HTTPException, error)
    name = {404: "not-found", 405: "method-not-allowed", 413: "file-too-large"}.get(raised.status_code)
    if name:
        return ProblemResponse(name, PROBLEM_TYPES[name].example, raised.headers)
    if raised.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ProblemResponse("bad-request", f"The request can't be understood: {raised.detail}", raised.headers)
    log.error("A status was raised that no request should get: %s", raised.status_code)
    return ProblemResponse("internal-error", PROBLEM_TYPES["internal-error"].example)
