"""What operators ask: whether the service lives, whether it is ready, and its metrics."""

from typing import Final

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from src.app.api.routes import openapi
from src.app.api.schemas import Status
from src.app.api.state import get_state

router = APIRouter(tags=["operation"])

LIVE: Final = openapi.success({"default": {"status": "live"}})
READY: Final = openapi.success({"default": {"status": "ready"}})
TEXT: Final[openapi.Responses] = {
    200: {"content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}, "example": "digits_requests_in_hand 1.0"}}}
}


@router.get("/health/live", summary="The process answers", responses=LIVE | openapi.problem_responses("internal-error"))
async def live() -> Status:
    """Answer always; a process that gives no answer should be restarted."""
    return Status(status="live")


@router.get(
    "/health/ready",
    summary="A network is loaded",
    responses=READY | openapi.problem_responses("not-ready", "internal-error"),
)
async def ready(request: Request) -> Status:
    """Say whether the service can read pictures."""
    get_state(request).repository.serving()
    return Status(status="ready")


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses=TEXT | openapi.problem_responses("internal-error"),
)
async def metrics(request: Request) -> Response:
    """Return the metrics of all workers."""
    content = await to_thread.run_sync(get_state(request).metrics.render)
    return Response(content, media_type=CONTENT_TYPE_LATEST)
