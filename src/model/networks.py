"""The networks, by name. Each takes pixels, float32 [N, 1, 28, 28] in 0..1, and gives logits, float32 [N, 10]."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from src.model.rearranged import Rearranged

# Mean and deviation of MNIST's 60,000 training pictures, pixels in 0..1. The only place that holds them.
MNIST_MEAN, MNIST_STD = 0.1307, 0.3081


class Normalise(nn.Module):
    """Pixels in 0..1 to zero mean and unit deviation over MNIST: the first layer of every network."""

    def forward(self, pixels: Tensor) -> Tensor:
        """Map float32 [N, 1, 28, 28] in 0..1 to the same shape, standardised."""
        return (pixels - MNIST_MEAN) / MNIST_STD


def cnn() -> nn.Sequential:
    """Build the course's convolutional network: 6,422 parameters."""
    return nn.Sequential(
        Normalise(),
        nn.Conv2d(1, 6, 5),  # [N, 6, 24, 24]
        nn.MaxPool2d(2),  # [N, 6, 12, 12]
        nn.ReLU(),
        nn.Conv2d(6, 6, 5),  # [N, 6, 8, 8]
        nn.MaxPool2d(2),  # [N, 6, 4, 4]
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(96, 50),
        nn.ReLU(),
        nn.Linear(50, 10),
    )


def mlp() -> nn.Sequential:
    """Build the course's fully connected network: 6,442 parameters."""
    return nn.Sequential(
        Normalise(),
        nn.Flatten(),
        nn.Linear(784, 8),
        nn.ReLU(),
        nn.Linear(8, 8),
        nn.ReLU(),
        nn.Linear(8, 10),
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {"cnn": cnn, "mlp": mlp}
# learned from pixels in another order, which their weights bring along (see `lesson.py`)
REARRANGED: dict[str, Callable[[], nn.Module]] = {
    "cnn-permuted": lambda: Rearranged(cnn()),
    "mlp-permuted": lambda: Rearranged(mlp()),
    "cnn-recovered": lambda: Rearranged(cnn()),
}


def build(name: str) -> nn.Module:
    """Return a fresh network. Raises `KeyError` for a name that is in neither of the above."""
    return (NETWORKS | REARRANGED)[name]()


def count_parameters(network: nn.Module) -> int:
    """Count the numbers that training may change."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def seeded(name: str, seed: int) -> nn.Module:
    """Return a fresh network whose initial weights follow from `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(name)
