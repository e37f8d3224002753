"""The record of every stage that ran, in MLflow: what went in, what came out, when, where, and how it ended.

By default it lies under mlruns/; MLFLOW_TRACKING_URI names a server, or another place.
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
from src.model.training.metadata import git_commit, libraries
from src.settings import ROOT, get_settings

EXPERIMENT: Final = "digits"
LOCAL: Final = ROOT / "mlruns"


class StageRun:
    """What a stage has to say while it runs."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id

    def params(self, params: BaseModel) -> None:
        """Note what decides the stage."""
        mlflow.log_params(params.model_dump())

    def tags(self, **tags: str) -> None:
        """Note what is neither a parameter nor a figure."""
        mlflow.set_tags(tags)

    def metrics(self, **metrics: float) -> None:
        """Note figures."""
        mlflow.log_metrics(metrics)

    def files(self, *paths: Path) -> None:
        """Keep files."""
        for path in paths:
            mlflow.log_artifact(str(path))

    def report(self, name: str, content: dict[str, Any]) -> Path:
        """Write what the stage found as JSON, for the stages after it, and keep it."""
        path = BUILD / f"{name}.json"
        write_text_atomically(path, json.dumps(content, indent=1) + "\n")
        self.files(path)
        return path


def connect() -> None:
    """Use the record that MLFLOW_TRACKING_URI names, or the one of this folder."""
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)  # type: ignore[no-untyped-call] # nor has this
    if mlflow.is_tracking_uri_set():  # type: ignore[no-untyped-call] # it has no types
        mlflow.set_experiment(EXPERIMENT)
        return
    LOCAL.mkdir(exist_ok=True)
    mlflow.set_tracking_uri(f"sqlite:///{LOCAL / 'mlflow.db'}")
    if not mlflow.get_experiment_by_name(EXPERIMENT):
        mlflow.create_experiment(EXPERIMENT, (LOCAL / "files").as_uri())
    mlflow.set_experiment(EXPERIMENT)


@contextmanager
def recorded(stage: str) -> Iterator[StageRun]:
    """StageRun what runs in the block, also how it fails."""
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


def stage(name: str, work: Callable[[StageRun], None]) -> int:
    """Run a stage; return the exit status, and say in a sentence why it failed."""
    try:
        with recorded(name) as record:
            work(record)
    except DigitError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    return 0


def read_report(name: str) -> dict[str, Any]:
    """Return what the stage before wrote with `StageRun.report`."""
    found: dict[str, Any] = json.loads((BUILD / f"{name}.json").read_text())
    return found
