"""Writing down what a trained network is and how good: the same way whatever trained it."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from src.model import networks
from src.model.artefact import Confidence, Description, Figures
from src.model.confidence import log_softmax
from src.model.dataset import Digits, Mnist, digests
from src.model.export import libraries
from src.model.fit import logits_of
from src.model.preprocess import VERSION as PREPROCESSING
from src.model.runtime import Logits

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class Origin:
    """Where a network came from."""

    version: str
    network: str
    recipe: "DataclassInstance"
    seed: int
    epochs: int  # whole ones
    git_commit: str  # as the run started: what is edited meanwhile has no part in it
    interrupted: bool = False


def measured(
    network: nn.Module, origin: Origin, confidence: Confidence, mnist: Mnist, order: list[int] | None = None
) -> Description:
    """Score final weights, the official test set for the first and only time, and write down what they are."""
    return Description(
        version=origin.version,
        network=origin.network,
        parameters=networks.count_parameters(network),
        preprocessing=PREPROCESSING,
        normalisation={"mean": networks.MNIST_MEAN, "std": networks.MNIST_STD},
        confidence=confidence,
        validation=_score(network, mnist.validation),
        test=_score(network, mnist.test),
        seed=origin.seed,
        recipe=asdict(origin.recipe),
        epochs=origin.epochs,
        interrupted=origin.interrupted,
        data_sha256=digests(),
        git_commit=origin.git_commit,
        libraries=libraries(),
        threads=torch.get_num_threads(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        order=order,
        sha256={},
    )


def figures(logits: Logits, labels: NDArray[np.int64]) -> Figures:
    """Return accuracy and loss of logits [N, 10] against labels [N]."""
    likelihood = log_softmax(logits)[np.arange(len(labels)), labels]
    right = float((logits.argmax(1) == labels).mean())
    return Figures(accuracy=right, loss=float(-likelihood.mean()), pictures=len(labels))


def _score(network: nn.Module, digits: Digits) -> Figures:
    return figures(logits_of(network, digits).numpy(), digits.labels.numpy())
