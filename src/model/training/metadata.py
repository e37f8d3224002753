"""Writing down what a trained network is and how good: the same way whatever trained it."""

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


@dataclass(frozen=True)
class Provenance:
    """Where a network came from."""

    version: str
    network: str
    recipe: "DataclassInstance"
    seed: int
    epochs: int  # whole ones
    git_commit: str  # as the run started: what is edited meanwhile has no part in it
    interrupted: bool = False


def measured(
    network: nn.Module, origin: Provenance, confidence: Confidence, mnist: Mnist, order: list[int] | None = None
) -> Description:
    """Score final weights, the official test set for the first and only time, and write down what they are."""
    return Description(
        version=origin.version,
        network=origin.network,
        parameters=networks.count_parameters(network),
        preprocessing=PREPROCESSING,
        normalisation={"mean": networks.MNIST_MEAN, "std": networks.MNIST_STD},
        confidence=confidence,
        validation=score(network, mnist.validation),
        test=score(network, mnist.test),
        seed=origin.seed,
        recipe=asdict(origin.recipe),
        epochs=origin.epochs,
        interrupted=origin.interrupted,
        data_sha256=hash_sources(),
        git_commit=origin.git_commit,
        libraries=libraries(),
        threads=torch.get_num_threads(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        permutation=order,
        sha256={},
    )


LIBRARIES: Final = ("torch", "torchvision", "onnx", "onnxruntime", "numpy", "opencv-python-headless", "pillow")


def libraries() -> dict[str, str]:
    """Return the versions of the libraries that a result depends on."""
    return {name: library_version(name) for name in LIBRARIES}


def git_commit() -> str:
    """Return the commit that is checked out, with "+changes" if the tree differs from it; "unknown" without git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603, S607
    return done.stdout.strip()
