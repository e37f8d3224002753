"""The networks, by name. Each takes pixels, float32 [N, 1, 28, 28] in 0..1, and gives logits, float32 [N, 10]."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

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


def digit() -> nn.Sequential:
    """Build the network that is served: 271,426 parameters, 25 million multiply-adds."""
    return nn.Sequential(
        Normalise(),
        _convolution(1, 24),  # [N, 24, 28, 28]
        _convolution(24, 24),
        nn.MaxPool2d(2),  # [N, 24, 14, 14]
        _convolution(24, 48),
        _convolution(48, 48),
        _convolution(48, 48),
        nn.MaxPool2d(2),  # [N, 48, 7, 7]
        _convolution(48, 96),
        _convolution(96, 96),
        _convolution(96, 96),
        *_by_place(96),  # [N, 96]
        nn.Linear(96, 10),
    )


def micro() -> nn.Sequential:
    """Build the best network of at most 6,422 parameters that was found: 6,110."""
    return nn.Sequential(
        Normalise(),
        _convolution(1, 8),  # [N, 8, 28, 28]
        _convolution(8, 12),
        nn.MaxPool2d(2),  # [N, 12, 14, 14]
        _separable(12, 26),
        _separable(26, 26),
        _separable(26, 26),
        nn.MaxPool2d(2),  # [N, 26, 7, 7]
        _separable(26, 26),
        *_by_place(26),  # [N, 26]
        nn.Linear(26, 10),
    )


def _convolution(channels: int, filters: int) -> nn.Sequential:
    """Build a 3x3 convolution that keeps height and width, with batch normalisation and ReLU."""
    return nn.Sequential(nn.Conv2d(channels, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU())


def _separable(channels: int, filters: int) -> nn.Sequential:
    """Build a depthwise and a pointwise convolution, normalised.

    Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications" (2017).
    """
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, filters, 1, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
    )


def _by_place(channels: int) -> tuple[nn.Module, ...]:
    """Build the end of a network: [N, channels, 7, 7] to [N, channels], each map weighed by place."""
    return (
        nn.Conv2d(channels, channels, 7, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Flatten(),
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {"cnn": cnn, "mlp": mlp}
# what ships: trained by `release.py`
RELEASED: dict[str, Callable[[], nn.Module]] = {"digit": digit, "micro": micro}
# learned from pixels in another order, which their weights bring along (see `lesson.py`)
PERMUTED: dict[str, Callable[[], nn.Module]] = {
    "cnn-permuted": lambda: PermutedInput(cnn()),
    "mlp-permuted": lambda: PermutedInput(mlp()),
    "cnn-recovered": lambda: PermutedInput(cnn()),
}


def build(name: str) -> nn.Module:
    """Return a fresh network. Raises `KeyError` for a name that is in neither of the above."""
    return (NETWORKS | RELEASED | PERMUTED)[name]()


def count_parameters(network: nn.Module) -> int:
    """Count the numbers that training may change."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def seeded(name: str, seed: int) -> nn.Module:
    """Return a fresh network whose initial weights follow from `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(name)


PIXELS = 784


class PermutedInput(nn.Module):
    """Takes pixel i from place `order[i]`, a permutation of 0..783 row by row, and asks `network`."""

    order: Tensor

    def __init__(self, network: nn.Module, order: Tensor | None = None) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("order", torch.arange(PIXELS) if order is None else order)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map float32 [N, 1, 28, 28] in 0..1 to logits [N, 10]."""
        logits: Tensor = self.network(pixels.flatten(1)[:, self.order].view_as(pixels))
        return logits
