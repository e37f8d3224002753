"""The service: a picture in, a digit out. `uvicorn src.app.main:app` serves it; `src/app/serve.py` with all bounds."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

from anyio import to_thread
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from starlette.middleware.cors import CORSMiddleware

from src.app.api import state
from src.app.api.core import logs, problems
from src.app.api.core.middleware import RequestMiddleware
from src.app.api.executor import give_memory_back
from src.app.api.model_repository import ModelRepository
from src.app.api.routes import docs, feedback, health, models, predict
from src.settings import Settings, get_settings

log = logging.getLogger(__name__)

DESCRIPTION = """Reads one handwritten digit from a picture: a drawing, a scan or a photo, of any size and colours.

`curl -F file=@four.png localhost:8000/api/v1/predict` answers `{"prediction": 4}`."""


def create_app(settings: Settings) -> FastAPI:
    """Build the service."""
    app = FastAPI(
        title="Handwritten digits",
        version="0.1.0",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,  # what generated clients call their functions
        lifespan=_lifespan,
    )
    app.state.service = here = state.build(settings)
    problems.install(app)
    # the gate asks for the key, before anything is read; this tells OpenAPI
    keys = [Depends(HTTPBearer(auto_error=False))] if settings.api_keys else []
    for router in (predict.router, feedback.router, models.router):
        app.include_router(router, dependencies=keys)
    app.include_router(health.router)
    docs.serve(app)
    app.add_middleware(RequestMiddleware, settings=settings, metrics=here.metrics)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load a network and look for newer ones; a service without one stays up and says why it is not ready."""
    here = cast(state.AppState, app.state.service)
    logs.install(here.settings.log_level)
    give_memory_back()
    await to_thread.run_sync(here.repository.refresh)
    gc.collect()
    gc.freeze()  # what is loaded stays: looking through it over and over holds up one request in a hundred
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, RuntimeError, ValueError):  # not on Windows, nor outside the main thread
        loop.add_signal_handler(signal.SIGHUP, asked.set)
    watching = asyncio.create_task(_watch(here.repository, here.settings.reload_s, asked))
    yield
    watching.cancel()


async def _watch(repository: ModelRepository, every_s: float, asked: asyncio.Event) -> None:
    """Look for a newer network every so often, and when asked to."""
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), every_s)
        asked.clear()
        try:
            await to_thread.run_sync(repository.refresh)
        except Exception:  # what broke once may work the next time, and whoever serves goes on
            log.exception("Looking for a newer network failed.")


app = create_app(get_settings())
