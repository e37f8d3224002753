"""`/api/v1/models`: which networks there are, and what their artefacts say of them."""

from contextlib import suppress
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Request

from src.app.api.core import problems
from src.app.api.routes import openapi
from src.app.api.schemas import MODEL, Model, Models
from src.app.api.state import AppState, get_state
from src.model.errors import ArtefactError

router = APIRouter(prefix="/api/v1/models", tags=["networks"])


@router.get(
    "",
    summary="The networks",
    responses=openapi.answered({"default": {"models": [MODEL]}})
    | openapi.problem_responses("unauthorized", "too-busy", "internal-error"),
)
async def models(request: Request) -> Models:
    """List the networks that can be asked for by `?model=`, newest first; what is broken is left out."""
    return await to_thread.run_sync(_all, get_state(request))


@router.get(
    "/{version}",
    summary="A network",
    responses=openapi.answered({"default": MODEL})
    | openapi.problem_responses(
        "unauthorized", "unknown-model", "invalid-request", "not-ready", "too-busy", "internal-error"
    ),
)
async def model(request: Request, version: Annotated[str, Path(max_length=64)]) -> Model:
    """Say what a network is, how good, and from what it was made."""
    try:
        return await to_thread.run_sync(_one, get_state(request), version)
    except ArtefactError as error:
        raise problems.ApiProblem("not-ready", str(error), {"Retry-After": "5"}) from error


def _all(here: AppState) -> Models:
    found = []
    for version in here.repository.known():
        with suppress(ArtefactError):
            found.append(_one(here, version))
    return Models(models=found)


def _one(here: AppState, version: str) -> Model:
    description, serves = here.repository.describe(version)
    return Model(**description.model_dump(), serving=serves)
