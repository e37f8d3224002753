"""`/api/v1/models`: the networks that can be requested, and what their artefacts say about them."""

from contextlib import suppress
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Request

from src.app.api.core.problems import ApiProblem
from src.app.api.model_repository import ModelRepository
from src.app.api.routes import openapi
from src.app.api.schemas import MODEL, Model, Models
from src.app.api.state import get_state

router = APIRouter(prefix="/api/v1/models", tags=["networks"])


@router.get(
    "",
    summary="The networks",
    responses=openapi.success({"default": {"models": [MODEL]}})
    | openapi.problem_responses("unauthorized", "invalid-request", "too-busy", "internal-error"),
)
async def models(request: Request) -> Models:
    """List the networks that `?model=` accepts, newest first, without those whose files are broken."""
    return await to_thread.run_sync(_describe_all, get_state(request).repository)


@router.get(
    "/{version}",
    summary="A network",
    responses=openapi.success({"default": MODEL})
    | openapi.problem_responses(
        "unauthorized", "unknown-model", "invalid-request", "not-ready", "too-busy", "internal-error"
    ),
)
async def model(request: Request, version: Annotated[str, Path(max_length=64)]) -> Model:
    """Describe a network: what it is, how well it reads, and what it was made from."""
    return await to_thread.run_sync(_describe, get_state(request).repository, version)


def _describe_all(repository: ModelRepository) -> Models:
    models = []
    for version in repository.list_versions():
        with suppress(ApiProblem):
            models.append(_describe(repository, version))
    return Models(models=models)


def _describe(repository: ModelRepository, version: str) -> Model:
    description, serving = repository.describe(version)
    return Model(**description.model_dump(), serving=serving)
