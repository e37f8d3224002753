"""TODO."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src.model.data.mnist import Digits
from src.model.inference.artefact import Metrics
from src.model.inference.confidence import log_softmax
from src.model.inference.runtime import Logits


def figures(logits: Logits, labels: NDArray[np.int64]) -> Metrics:
    """Return accuracy and loss of logits [N, 10] against labels [N]."""
    likelihood = log_softmax(logits)[np.arange(len(labels)), labels]
    right = float((logits.argmax(1) == labels).mean())
    return Metrics(accuracy=right, loss=float(-likelihood.mean()), pictures=len(labels))


def score(network: nn.Module, digits: Digits) -> Metrics:
    """Return accuracy and loss of `network` on `digits`."""
    return figures(logits_of(network, digits).numpy(), digits.labels.numpy())


def logits_of(network: nn.Module, digits: Digits, size: int = 1000) -> Tensor:
    """Return the network's logits [N, 10] for all `digits`, a batch of `size` at a time."""
    network.eval()
    with torch.inference_mode():
        return torch.cat([network(digits[start : start + size].pixels()) for start in range(0, len(digits), size)])


def accuracy_of(network: nn.Module, digits: Digits) -> float:
    """Return the share of `digits` that the network reads, 0..1."""
    return float((logits_of(network, digits).argmax(1) == digits.labels).float().mean())
