"""Describes a trained network for its artefact: scores, origin, hyperparameters, and versions of libraries."""

import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version as library_version
from typing import TYPE_CHECKING, Final

import torch
from torch import nn

from src.model import networks
from src.model.data.mnist import Mnist, hash_sources
from src.model.inference.artefact import Confidence, Description
from src.model.preprocessing.preprocess import VERSION as PREPROCESSING
from src.model.training.scoring import score
from src.settings import ROOT

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


LIBRARIES: Final = ("torch", "torchvision", "onnx", "onnxruntime", "numpy", "opencv-python-headless", "pillow")

# Artefacts keep the keys of their first edition: the key of each field of a config that has another name.
RECIPE_KEYS: Final = {
    "synthetic": "practice",
    "ema_decay": "averaging",
    "teachers": "teacher",
    "distillation_weight": "teaching",
    "temperature": "softness",
}


@dataclass(frozen=True)
class Provenance:
    """Where a network came from."""

    version: str
    network: str
    config: "DataclassInstance"  # the hyperparameters
    seed: int
    epochs: int  # complete ones
    git_commit: str  # at the start of the run: later edits did not take part in it
    interrupted: bool = False


def describe_model(
    network: nn.Module, provenance: Provenance, confidence: Confidence, mnist: Mnist, order: list[int] | None = None
) -> Description:
    """Score the final weights on validation and test set, and return the artefact's description.

    This is the only time that a training scores the official test set. `order` is the permutation of the pixels that
    the network applies first. The digests of the files are filled in by `export.save`.
    """
    config = asdict(provenance.config)
    return Description(
        version=provenance.version,
        network=provenance.network,
        parameters=networks.count_parameters(network),
        multiply_adds=networks.count_multiply_adds(network),
        preprocessing=PREPROCESSING,
        normalisation={"mean": networks.MNIST_MEAN, "std": networks.MNIST_STD},
        confidence=confidence,
        validation=score(network, mnist.validation),
        test=score(network, mnist.test),
        seed=provenance.seed,
        recipe={RECIPE_KEYS.get(name, name): value for name, value in config.items()},
        epochs=provenance.epochs,
        interrupted=provenance.interrupted,
        data_sha256=hash_sources(),
        git_commit=provenance.git_commit,
        libraries=libraries(),
        threads=torch.get_num_threads(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        permutation=order,
        sha256={},
    )


def libraries() -> dict[str, str]:
    """Return the versions of the libraries that a result depends on."""
    return {name: library_version(name) for name in LIBRARIES}


def git_commit() -> str:
    """Return the commit that is checked out, with "+changes" if tracked files differ from it; "unknown" without git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    process = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603, S607
    return process.stdout.strip()
