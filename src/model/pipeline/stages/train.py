"""Stage `train`: trains a candidate on MNIST and on the corrected pictures that dvc.yaml names.

`train_production.py` trains the networks that are released, and resumes after a kill; `train_model.py` all others.
"""

import shutil
import sys
from dataclasses import replace
from typing import Final

from src.model import train_model
from src.model.data.mnist import load_mnist
from src.model.errors import DigitError
from src.model.files import sha256
from src.model.inference.artefact import describe
from src.model.params import Train, read_params
from src.model.pipeline.paths import BUILD, CANDIDATE, CORRECTED
from src.model.pipeline.tracking import StageRun, run_stage
from src.model.training.fit_resumable import fit_resumable
from src.model.training.recipes import CONFIGS, checkpoint_path, load_training_data
from src.model.training.saving.metadata import Provenance, git_commit
from src.model.training.train_production import publish
from src.settings import get_settings

VERSION: Final = CANDIDATE.stem.removeprefix("mnist-")


def train(run: StageRun) -> None:
    """Train and record the candidate."""
    params = read_params().train
    run.log_params(params)
    run.set_tags(**{"sha256.corrected": sha256(CORRECTED)})
    shutil.rmtree(CANDIDATE.parent, ignore_errors=True)
    if params.network in CONFIGS:
        _train_production(params)
    elif train_model.main(_to_arguments(params)) != 0:
        raise DigitError("The training failed.")
    candidate = describe(CANDIDATE)
    run.log_metrics(
        epochs=candidate.epochs,
        validation_accuracy=candidate.validation.accuracy,
        test_accuracy=candidate.test.accuracy,
    )
    run.log_files(CANDIDATE)


def _to_arguments(params: Train) -> list[str]:
    """Return the command line for `train_model`."""
    arguments = ["--network", params.network, "--seed", str(params.seed), "--version", VERSION]
    arguments += ["--out", str(CANDIDATE.parent)]
    arguments += ["--epochs", str(params.epochs)] if params.epochs else []
    return arguments + (["--quick"] if params.quick else [])


def _train_production(params: Train) -> None:
    commit = git_commit()
    config = CONFIGS[params.network]
    config = replace(config, epochs=params.epochs or config.epochs)
    # a killed training is resumed only with the same corrected pictures
    folder = BUILD / "training" / sha256(CORRECTED)[:16]
    data = load_training_data(config, load_mnist(get_settings().data_dir), folder)
    trained = fit_resumable(config, params.seed, data, checkpoint_path(config, params.seed, folder))
    provenance = Provenance(VERSION, config.network, config, params.seed, len(trained.learning), commit)
    publish(config, trained, provenance, data, CANDIDATE.parent)


if __name__ == "__main__":
    sys.exit(run_stage("train", train))
