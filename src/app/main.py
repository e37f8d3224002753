"""The service: a picture in, a digit out. `uvicorn src.app.main:app` serves it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, FastAPI, File, Query, Request, UploadFile
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from src.app import problems
from src.app.schemas import EXAMPLE, Details, Prediction, Status, details
from src.model.artefact import newest
from src.model.errors import ArtefactError
from src.model.reader import Reader, open_reader
from src.settings import Settings, get_settings

log = logging.getLogger("uvicorn.error")

DESCRIPTION = """Reads one handwritten digit from a picture: a drawing, a scan or a photo, of any size and colours.

`curl -F file=@four.png localhost:8000/api/v1/predict` answers `{"prediction": 4}`."""

Picture = Annotated[UploadFile, File(description="PNG, JPEG, WebP, GIF, BMP or TIFF with one digit on it")]
WithDetails = Annotated[bool, Query(description="also say how sure, all ten probabilities and what was seen")]


def create_app(settings: Settings) -> FastAPI:
    """Build the service."""
    app = FastAPI(
        title="Handwritten digits",
        version="0.1.0",
        description=DESCRIPTION,
        docs_url=None,  # served below from this host: FastAPI's own page asks a CDN for Swagger UI
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.reader = None
    app.state.failure = "The network is still being loaded. Try again in a moment."
    problems.install(app, settings.max_body_bytes)
    app.include_router(_predict_router(settings.max_body_bytes))
    app.include_router(_health_router())
    _serve_docs(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the network; a service without one stays up and says why it is not ready."""
    settings: Settings = app.state.settings
    app.state.limiter = CapacityLimiter(settings.readers)
    try:
        app.state.reader = await to_thread.run_sync(_open_reader, settings)
    except ArtefactError as error:
        app.state.failure = str(error)
        log.error("No network is loaded: %s", error)
    yield


def _open_reader(settings: Settings) -> Reader:
    return open_reader(settings.model_file or newest(settings.model_dir), settings.max_pixels)


def loaded_reader(request: Request) -> Reader:
    """Return the network that serves. Raises `NotReady` while there is none."""
    reader: Reader | None = request.app.state.reader
    if reader is None:
        raise problems.NotReady(request.app.state.failure)
    return reader


LoadedReader = Annotated[Reader, Depends(loaded_reader)]


def _predict_router(max_body_bytes: int) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["digits"], max_body_size=max_body_bytes)
    refusals = problems.documented(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )

    examples = {"default": {"value": {"prediction": 4}}, "details=true": {"value": EXAMPLE.model_dump()}}
    answers: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"examples": examples}}}}

    @router.post("/predict", summary="Read a digit", response_model=Details | Prediction, responses=answers | refusals)
    async def predict(
        request: Request, reader: LoadedReader, file: Picture, details: WithDetails = False
    ) -> Details | Prediction:
        return await _predict(request, reader, file, details)

    return router


async def _predict(request: Request, reader: Reader, file: UploadFile, with_details: bool) -> Details | Prediction:
    """Read the upload in a thread, so that a large photo holds up nobody else."""
    data = await file.read()
    reading = await to_thread.run_sync(reader.read, data, limiter=request.app.state.limiter)
    if with_details:
        return details(reading, reader.description.version)
    return Prediction(prediction=reading.prediction)


def _health_router() -> APIRouter:
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live", summary="The process answers")
    async def live() -> Status:
        return Status(status="live")

    @router.get("/ready", summary="A network is loaded", responses=problems.documented(HTTPStatus.SERVICE_UNAVAILABLE))
    async def ready(_: LoadedReader) -> Status:
        return Status(status="ready")

    return router


def _serve_docs(app: FastAPI) -> None:
    """Serve Swagger UI at /docs, its files from this host."""
    app.mount("/docs/assets", StaticFiles(packages=[("fastapi_swagger", "resources")]))

    @app.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        return RedirectResponse("/docs")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=str(app.openapi_url),
            title=app.title,
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="/docs/assets/favicon-32x32.png",
            swagger_ui_parameters={"tryItOutEnabled": True},
        )


app = create_app(get_settings())
