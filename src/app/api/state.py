"""What the endpoints share: built once for an app, and found on it."""

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from src.app.api.core.metrics import Metrics
from src.app.api.executor import Lanes
from src.app.api.feedback_store import Store
from src.app.api.model_repository import Catalogue
from src.settings import Settings


@dataclass(frozen=True)
class Service:
    """The parts of the running service."""

    settings: Settings
    metrics: Metrics
    catalogue: Catalogue
    lanes: Lanes
    store: Store | None  # None where no feedback is kept


def build(settings: Settings) -> Service:
    """Return the parts of a service with these settings; no network is loaded yet."""
    metrics = Metrics(settings.metrics_dir)
    folder = settings.feedback_dir
    store = Store(folder, settings.feedback_max_files, settings.feedback_max_bytes) if folder else None
    return Service(settings, metrics, Catalogue(settings, metrics), Lanes(settings), store)


def of(request: Request) -> Service:
    """Return the service that a request was sent to."""
    return cast(Service, request.app.state.service)
