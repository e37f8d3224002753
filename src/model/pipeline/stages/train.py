"""Stage: train a candidate; dvc.yaml names the corrected pictures to it, and they are learned from beside MNIST.

Networks that ship are trained by `train_production.py`, which resumes after a kill; all others by `train_model.py`.
"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from src.model import train_model
from src.model.data.mnist import load_mnist
from src.model.errors import DigitError
from src.model.files import sha256
from src.model.inference.artefact import describe
from src.model.params import Train, read_params
from src.model.pipeline.paths import BUILD, CANDIDATE, CORRECTED
from src.model.pipeline.tracking import StageRun, stage
from src.model.training import train_production
from src.model.training.fit_resumable import fit_resumable
from src.model.training.metadata import Provenance, git_commit
from src.settings import get_settings

VERSION: Final = CANDIDATE.stem.removeprefix("mnist-")


def train(record: StageRun) -> None:
    """Train the candidate and record what it is."""
    params = read_params().train
    record.params(params)
    record.tags(**{"sha256.corrected": sha256(CORRECTED)})
    shutil.rmtree(CANDIDATE.parent, ignore_errors=True)
    if params.network in train_production.CONFIGS:
        _train_to_ship(params)
    elif train_model.main(arguments(params)) != 0:
        raise DigitError("The training failed.")
    made = describe(CANDIDATE)
    record.metrics(epochs=made.epochs, validation_accuracy=made.validation.accuracy, test_accuracy=made.test.accuracy)
    record.files(CANDIDATE)


def arguments(params: Train) -> list[str]:
    """Return the command line of a training by `train_model`."""
    words = ["--network", params.network, "--seed", str(params.seed), "--out", str(CANDIDATE.parent)]
    words += ["--version", VERSION]
    words += ["--epochs", str(params.epochs)] if params.epochs else []
    return words + (["--quick"] if params.quick else [])


def _train_to_ship(params: Train) -> None:
    plan, commit = train_production.CONFIGS[params.network], git_commit()
    plan = replace(plan, epochs=params.epochs or plan.epochs)
    kept = _kept()
    material = train_production.load_training_data(plan, load_mnist(get_settings().data_dir), kept)
    trained = fit_resumable(plan, params.seed, material, train_production.checkpoint_path(plan, params.seed, kept))
    origin = Provenance(VERSION, plan.network, plan, params.seed, len(trained.learning), commit)
    train_production.publish(plan, trained, origin, material, CANDIDATE.parent)


def _kept() -> Path:
    """Return the folder of a training that was killed and may go on: one for the same corrected pictures."""
    return BUILD / "training" / sha256(CORRECTED)[:16]


if __name__ == "__main__":
    sys.exit(stage("train", train))
