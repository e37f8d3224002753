"""Scores a network in torch: its logits, accuracy and loss on a set of digits."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src.model.data.mnist import Digits
from src.model.inference.artefact import Metrics
from src.model.inference.confidence import log_softmax
from src.model.inference.runtime import Logits


def compute_metrics(logits: Logits, labels: NDArray[np.int64]) -> Metrics:
    """Return accuracy and mean cross-entropy of logits [N, 10] for labels [N]."""
    log_likelihood = log_softmax(logits)[np.arange(len(labels)), labels]
    accuracy = float((logits.argmax(1) == labels).mean())
    return Metrics(accuracy=accuracy, loss=float(-log_likelihood.mean()), pictures=len(labels))


def score(network: nn.Module, digits: Digits) -> Metrics:
    """Return accuracy and mean cross-entropy of `network` on `digits`."""
    return compute_metrics(compute_logits(network, digits).numpy(), digits.labels.numpy())


def compute_logits(network: nn.Module, digits: Digits, size: int = 1000) -> Tensor:
    """Return the network's logits [N, 10] for all `digits`, computed in batches of `size`."""
    network.eval()
    with torch.inference_mode():
        return torch.cat([network(digits[start : start + size].pixels()) for start in range(0, len(digits), size)])


def compute_accuracy(network: nn.Module, digits: Digits) -> float:
    """Return the share of `digits` that the network classifies correctly, 0..1."""
    return float((compute_logits(network, digits).argmax(1) == digits.labels).float().mean())
