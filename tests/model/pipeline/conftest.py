"""Fixtures of the pipeline's tests: an MLflow record of their own, and corrected pictures as the service has them."""

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import mlflow
import pytest

from src.app.api.feedback_store import FeedbackStore
from src.model.monitoring.feedback import Feedback
from src.model.pipeline import tracking
from tests.pictures import encoded, mnist


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database without runs, which MLflow takes seconds to create."""
    path = tmp_path_factory.mktemp("record") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def _own_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path) -> None:
    """Record runs below `tmp_path`, not in the developer's record."""
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_database, tmp_path / "mlruns")
    monkeypatch.setattr(tracking, "LOCAL_STORE", tmp_path / "mlruns")
    monkeypatch.setattr(tracking, "BUILD", tmp_path / "build")
    monkeypatch.setattr(mlflow, "is_tracking_uri_set", lambda: False)


@pytest.fixture
def keep(tmp_path: Path) -> Callable[..., str]:
    """Return a function that stores a picture in `tmp_path/kept` as the service does, and returns its digest.

    The picture is MNIST's number `number` of `digit`, or `picture`; it is corrected to `digit`, or to `corrected`.
    """
    store = FeedbackStore(tmp_path / "kept", 1000, 10_000_000)

    def keep_picture(digit: int, number: int = 0, corrected: int | None = None, picture: bytes | None = None) -> str:
        data = picture or encoded(mnist(digit, number))
        feedback = Feedback(
            sha256=sha256(data).hexdigest(),
            digit=digit if corrected is None else corrected,
            prediction=digit,
            confidence=0.9,
            digit_score=0.8,
            model="0.0.1",
        )
        store.keep(data, "png", feedback)
        return feedback.sha256

    return keep_picture
