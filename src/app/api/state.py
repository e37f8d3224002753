"""The objects that the endpoints share: built once for each app and kept on it."""

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from src.app.api.core.metrics import Metrics
from src.app.api.executor import DecodeExecutor
from src.app.api.feedback_store import FeedbackStore
from src.app.api.model_repository import ModelRepository
from src.app.api.traffic import Traffic
from src.settings import Settings


@dataclass(frozen=True)
class AppState:
    """The parts of the running service."""

    settings: Settings
    metrics: Metrics
    repository: ModelRepository
    traffic: Traffic
    executor: DecodeExecutor
    store: FeedbackStore | None  # None if the service keeps no feedback

    def refresh(self) -> None:
        """Look for newer networks, and for changes of the plan that divides the traffic among them."""
        self.repository.refresh()
        self.traffic.refresh()


def build_state(settings: Settings) -> AppState:
    """Build the parts of a service with these settings; no network is loaded yet."""
    metrics = Metrics(settings.metrics_dir)
    folder = settings.feedback_dir
    store = FeedbackStore(folder, settings.feedback_max_files, settings.feedback_max_bytes) if folder else None
    repository = ModelRepository(settings, metrics)
    traffic = Traffic(settings, repository, metrics)
    return AppState(settings, metrics, repository, traffic, DecodeExecutor(settings), store)


def get_state(request: Request) -> AppState:
    """Return the parts of the service that received the request."""
    return cast(AppState, request.app.state.service)
