"""The networks, by name. Each maps pixels, float32 [N, 1, 28, 28] in 0..1, to logits, float32 [N, 10]."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

# Mean and standard deviation of the pixels of MNIST's 60,000 training pictures, in 0..1.
MNIST_MEAN, MNIST_STD = 0.1307, 0.3081
PIXELS = 784


class Normalise(nn.Module):
    """The first layer of every network: standardises pixels to zero mean and unit deviation over MNIST."""

    def forward(self, pixels: Tensor) -> Tensor:
        """Return standardised pixels of the same shape."""
        return (pixels - MNIST_MEAN) / MNIST_STD


def build_cnn() -> nn.Sequential:
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


def build_mlp() -> nn.Sequential:
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


def build_verifier() -> nn.Sequential:
    """Build the verifier: from contexts, [N, 2, 24, 36] in 0..1, to log-odds, [N, 1]; 23,777 parameters."""
    return nn.Sequential(
        _build_convolution(2, 12),  # [N, 12, 24, 36]
        nn.MaxPool2d(2),
        _build_convolution(12, 24),  # [N, 24, 12, 18]
        nn.MaxPool2d(2),
        _build_convolution(24, 32),  # [N, 32, 6, 9]
        nn.MaxPool2d((2, 3)),
        nn.Flatten(),
        nn.Linear(288, 48),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(48, 1),
    )


def build_digit() -> nn.Sequential:
    """Build the network of releases 0.9.0 to 1.1.0: 271,426 parameters, 25 million multiply-adds."""
    return nn.Sequential(
        Normalise(),
        _build_convolution(1, 24),  # [N, 24, 28, 28]
        _build_convolution(24, 24),
        nn.MaxPool2d(2),  # [N, 24, 14, 14]
        _build_convolution(24, 48),
        _build_convolution(48, 48),
        _build_convolution(48, 48),
        nn.MaxPool2d(2),  # [N, 48, 7, 7]
        _build_convolution(48, 96),
        _build_convolution(96, 96),
        _build_convolution(96, 96),
        *_build_head(96),  # [N, 96]
        nn.Linear(96, 10),
    )


def build_light() -> nn.Sequential:
    """Build the network that serves: 105,298 parameters, 6.3 million multiply-adds.

    It has few channels where the pictures are large: most of a convolution's time goes there.
    """
    return nn.Sequential(
        Normalise(),
        _build_convolution(1, 8),  # [N, 8, 28, 28]
        _build_convolution(8, 24, stride=2),  # [N, 24, 14, 14]
        _build_convolution(24, 32),
        nn.MaxPool2d(2),  # [N, 32, 7, 7]
        _build_convolution(32, 64),
        _build_convolution(64, 64),
        _build_convolution(64, 64),
        *_build_head(64),  # [N, 64]
        nn.Linear(64, 10),
    )


def build_micro() -> nn.Sequential:
    """Build the best known network of at most 6,422 parameters: 6,110."""
    return nn.Sequential(
        Normalise(),
        _build_convolution(1, 8),  # [N, 8, 28, 28]
        _build_convolution(8, 12),
        nn.MaxPool2d(2),  # [N, 12, 14, 14]
        _build_separable(12, 26),
        _build_separable(26, 26),
        _build_separable(26, 26),
        nn.MaxPool2d(2),  # [N, 26, 7, 7]
        _build_separable(26, 26),
        *_build_head(26),  # [N, 26]
        nn.Linear(26, 10),
    )


def build_wide() -> nn.Sequential:
    """Build a teacher of the released networks: 1,124,170 parameters, 173 million multiply-adds.

    Ten 3x3 convolutions without padding and pooling: An, Lee, Park, Yang and So, "An ensemble of simple convolutional
    neural network models for MNIST digit recognition" (2020), their network M3.
    """
    channels = (1, *range(32, 177, 16))
    convolutions = [_build_convolution(*pair, padding=0) for pair in pairwise(channels)]
    return nn.Sequential(Normalise(), *convolutions, nn.Flatten(), nn.Linear(176 * 8 * 8, 10))


def _build_convolution(channels: int, filters: int, stride: int = 1, padding: int = 1) -> nn.Sequential:
    """Build a 3x3 convolution with batch normalisation and ReLU; height and width are divided by `stride`."""
    convolution = nn.Conv2d(channels, filters, 3, stride, padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(filters), nn.ReLU())


def _build_separable(channels: int, filters: int) -> nn.Sequential:
    """Build a depthwise and a pointwise convolution, each with batch normalisation; ReLU at the end.

    Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications" (2017).
    """
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, filters, 1, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
    )


def _build_head(channels: int) -> tuple[nn.Module, ...]:
    """Build layers from [N, channels, 7, 7] to [N, channels]: a weighted sum of the positions of each channel."""
    return (
        nn.Conv2d(channels, channels, 7, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Flatten(),
    )


class PermutedInput(nn.Module):
    """Permutes the pixels before `network`: its pixel i is pixel `permutation[i]` of the picture, row by row."""

    order: Tensor  # the permutation, int64 [784]; named like its key in saved weights

    def __init__(self, network: nn.Module, permutation: Tensor | None = None) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("order", torch.arange(PIXELS) if permutation is None else permutation)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits [N, 10] for float32 [N, 1, 28, 28] in 0..1."""
        logits: Tensor = self.network(pixels.flatten(1)[:, self.order].view_as(pixels))
        return logits


# of the comparison, which `train_model.py` trains
NETWORKS: dict[str, Callable[[], nn.Module]] = {"cnn": build_cnn, "mlp": build_mlp}
# of the releases and of their teacher, which `training/train_production.py` trains
RELEASED: dict[str, Callable[[], nn.Module]] = {
    "digit": build_digit,
    "light": build_light,
    "micro": build_micro,
    "wide": build_wide,
}
# trained on permuted pixels, with the permutation among their weights (see `experiments/export_permuted.py`)
PERMUTED: dict[str, Callable[[], nn.Module]] = {
    "cnn-permuted": lambda: PermutedInput(build_cnn()),
    "mlp-permuted": lambda: PermutedInput(build_mlp()),
    "cnn-recovered": lambda: PermutedInput(build_cnn()),
}


def build(name: str) -> nn.Module:
    """Return a new network. Raises `KeyError` for an unknown name."""
    return (NETWORKS | RELEASED | PERMUTED)[name]()


def build_seeded(name: str, seed: int) -> nn.Module:
    """Return a new network whose initial weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(name)


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def count_multiply_adds(network: nn.Module) -> int:
    """Return how many products the convolutions and linear layers add up for one picture."""
    total = 0

    def add(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d | nn.Linear):
            total += output.numel() * layer.weight[0].numel()

    hooks = [layer.register_forward_hook(add) for layer in network.modules()]
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 1, 28, 28))
    for hook in hooks:
        hook.remove()
    return total
