"""The service as an ASGI app for `uvicorn src.app.main:app`; `src/app/serve.py` serves it with all its limits."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, cast

from anyio import to_thread
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from src.app import __version__
from src.app.api.core import logs, problems
from src.app.api.core.middleware import CorsMiddleware, LimitMiddleware, RequestMiddleware
from src.app.api.core.short_path import ShortPath
from src.app.api.routes import docs, feedback, health, models, predict, query, read
from src.app.api.state import AppState, build_state
from src.model.heap import limit_heap
from src.model.inference.verifier import get_verifier
from src.settings import Settings, get_settings

log = logging.getLogger(__name__)

LARGEST_KEPT: Final = 1_000_000  # bytes: more than the arrays of a plain picture take, less than large request bodies

DESCRIPTION = """Reads one handwritten digit from a picture: a drawing, a scan or a photo, of any size and colours.

In a copy of the project, `curl -F file=@data/samples/4_drawn.png localhost:8000/api/v1/predict` answers
`{"prediction":4}`. With `?details=true` it also answers how sure it is, and more. `/api/v1/read` reads numbers."""


def create_app(settings: Settings) -> FastAPI:
    """Build the service."""
    app = FastAPI(
        title="Handwritten digits",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,  # names the functions of generated clients
        lifespan=_lifespan,
    )
    app.state.service = state = build_state(settings)
    problems.add_handlers(app)
    # Only for OpenAPI: the middleware checks the keys, before it reads a body.
    key_required = [Depends(HTTPBearer(auto_error=False))] if settings.api_keys else []
    for router in (predict.router, read.router, feedback.router, models.router):
        app.include_router(router, dependencies=[Depends(query.refuse_unknown), *key_required])
    app.include_router(health.router)
    docs.add_routes(app)
    answers = {
        query: partial(predict.answer, state, options=options) for query, options in predict.USUAL_OPTIONS.items()
    }
    app.add_middleware(ShortPath, path=predict.PATH, answers=answers)
    app.add_middleware(LimitMiddleware, settings=settings)
    if settings.cors_origins:
        app.add_middleware(CorsMiddleware, origins=settings.cors_origins)
    app.add_middleware(RequestMiddleware, metrics=state.metrics)  # added last, so it is outermost
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load a network and watch for newer ones; without a network the service runs, but is not ready."""
    state = cast(AppState, app.state.service)
    logs.install(state.settings.log_level)
    limit_heap(LARGEST_KEPT)
    await to_thread.run_sync(state.refresh)
    await to_thread.run_sync(get_verifier)  # keeps it; otherwise the first number would delay all other requests
    await to_thread.run_sync(app.openapi)  # keeps it; otherwise the first request for it would delay all others
    gc.collect()
    gc.freeze()  # collecting what was loaded at the start would delay one request in a hundred
    refresh_now = asyncio.Event()
    loop = asyncio.get_running_loop()
    with suppress(AttributeError, RuntimeError, ValueError):  # on Windows, or outside the main thread
        loop.add_signal_handler(signal.SIGHUP, refresh_now.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # `src.app.serve` blocks it until now
    watcher = asyncio.create_task(_watch(state, refresh_now))
    yield
    watcher.cancel()
    await to_thread.run_sync(state.traffic.close)
    await state.executor.close()


async def _watch(state: AppState, refresh_now: asyncio.Event) -> None:
    """Refresh the networks every `DIGITS_RELOAD_S` seconds, and whenever the event is set."""
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(refresh_now.wait(), state.settings.reload_s)
        refresh_now.clear()
        try:
            await to_thread.run_sync(state.refresh)
        except Exception:  # the network that is loaded keeps serving, and the next refresh may succeed
            log.exception("Looking for a newer network failed.")


app = create_app(get_settings())
