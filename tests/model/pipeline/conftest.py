"""What the tests of the pipeline share: a record of their own, and corrected pictures as the service keeps them."""

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

Keep = Callable[..., str]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a record without runs: MLflow takes seconds to make one."""
    path = tmp_path_factory.mktemp("record") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def _own_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path) -> None:
    """Leave the developer's record alone."""
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_database, tmp_path / "mlruns")
    monkeypatch.setattr(tracking, "LOCAL", tmp_path / "mlruns")
    monkeypatch.setattr(tracking, "BUILD", tmp_path / "build")
    monkeypatch.setattr(mlflow, "is_tracking_uri_set", lambda: False)


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Return what keeps MNIST's picture `number` of `digit` in `tmp_path/kept`, perhaps corrected to another digit."""
    store = FeedbackStore(tmp_path / "kept", 1000, 10_000_000)

    def kept(digit: int, number: int = 0, corrected: int | None = None, picture: bytes | None = None) -> str:
        said = digit if corrected is None else corrected
        data = picture or encoded(mnist(digit, number))
        digest = sha256(data).hexdigest()
        note = Feedback(sha256=digest, digit=said, prediction=digit, confidence=0.9, digit_score=0.8, model="0.0.1")
        store.keep(data, "png", note)
        return digest

    return kept
