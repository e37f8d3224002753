"""Stage: train a candidate, by the command that anyone trains with; dvc.yaml names the corrected pictures to it."""

import shutil
import sys

from src.model import train_model
from src.model.artefact import describe
from src.model.digest import sha256
from src.model.errors import DigitError
from src.model.pipeline.params import CANDIDATE, CORRECTED, Train, read_params
from src.model.pipeline.record import Record, stage


def train(record: Record) -> None:
    """Train the candidate and record what it is."""
    params = read_params().train
    record.params(params)
    record.tags(**{"sha256.corrected": sha256(CORRECTED)})
    shutil.rmtree(CANDIDATE.parent, ignore_errors=True)
    if train_model.main(arguments(params)) != 0:
        raise DigitError("The training failed.")
    made = describe(CANDIDATE)
    record.metrics(epochs=made.epochs, validation_accuracy=made.validation.accuracy, test_accuracy=made.test.accuracy)
    record.files(CANDIDATE)


def arguments(params: Train) -> list[str]:
    """Return the command line of a training."""
    words = ["--network", params.network, "--seed", str(params.seed), "--out", str(CANDIDATE.parent)]
    words += ["--version", CANDIDATE.stem.removeprefix("mnist-")]
    words += ["--epochs", str(params.epochs)] if params.epochs else []
    return words + (["--quick"] if params.quick else [])


if __name__ == "__main__":
    sys.exit(stage("train", train))
