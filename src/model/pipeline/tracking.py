"""Records every run of a stage in MLflow: inputs, results, machine, duration and errors.

The record lies under mlruns/ unless MLFLOW_TRACKING_URI names a server or another folder.
"""

import json
import logging
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import mlflow
from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR
from pydantic import BaseModel

from src.model.errors import DigitError
from src.model.files import write_text_atomically
from src.model.pipeline.paths import BUILD
from src.model.training.saving.metadata import git_commit, libraries
from src.settings import ROOT, get_settings

EXPERIMENT: Final = "digits"
LOCAL_STORE: Final = ROOT / "mlruns"


class StageRun:
    """Adds to the record of the running stage."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id

    def log_params(self, params: BaseModel) -> None:
        """Record the parameters that decide the result."""
        mlflow.log_params(params.model_dump())

    def set_tags(self, **tags: str) -> None:
        """Record texts such as versions and digests."""
        mlflow.set_tags(tags)

    def log_metrics(self, **metrics: float) -> None:
        """Record numbers."""
        mlflow.log_metrics(metrics)

    def log_files(self, *paths: Path) -> None:
        """Copy files into the record."""
        for path in paths:
            mlflow.log_artifact(str(path))

    def write_report(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON report for later stages (see `read_report`) and copy it into the record."""
        path = BUILD / f"{name}.json"
        write_text_atomically(path, json.dumps(content, indent=1) + "\n")
        self.log_files(path)


def read_report(name: str) -> dict[str, Any]:
    """Return the report that an earlier stage wrote."""
    report: dict[str, Any] = json.loads((BUILD / f"{name}.json").read_text())
    return report


def run_stage(name: str, work: Callable[[StageRun], None]) -> int:
    """Run and record a stage; print a `DigitError` to stderr; return the exit status."""
    try:
        with track(name) as run:
            work(run)
    except DigitError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    return 0


@contextmanager
def track(stage: str) -> Iterator[StageRun]:
    """Record the block as a run of `stage`; a run that ends with an exception is recorded as failed."""
    connect()
    with mlflow.start_run(run_name=stage, log_system_metrics=False) as run:
        mlflow.set_tags(
            {
                "stage": stage,
                "git_commit": git_commit(),
                "libraries": json.dumps(libraries()),
                "python": platform.python_version(),
                "machine": f"{platform.machine()}, {os.cpu_count()} processors",
                "reason": get_settings().retrain_reason,
            }
        )
        yield StageRun(run.info.run_id)


def connect() -> None:
    """Select the record that MLFLOW_TRACKING_URI names, or the local one, which is created if it is missing."""
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)  # type: ignore[no-untyped-call] # MLflow leaves it untyped
    if not mlflow.is_tracking_uri_set():  # type: ignore[no-untyped-call] # likewise
        LOCAL_STORE.mkdir(exist_ok=True)
        mlflow.set_tracking_uri(f"sqlite:///{LOCAL_STORE / 'mlflow.db'}")
        if not mlflow.get_experiment_by_name(EXPERIMENT):
            mlflow.create_experiment(EXPERIMENT, (LOCAL_STORE / "files").as_uri())
    mlflow.set_experiment(EXPERIMENT)
