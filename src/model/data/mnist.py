"""MNIST as tensors: the 60,000 split into train and validation, the official test set apart.

    images  uint8  [N, 28, 28]   0 is paper, 255 is ink
    labels  int64  [N]           0..9

The whole of it is held in memory (47 MB): a batch is a slice, never a loop over pictures.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.datasets import MNIST

from src.model.data.download import SHA256, ensure
from src.model.errors import DataError
from src.model.files import atomic_path, sha256
from src.settings import get_settings

VALIDATION = 5_000
SPLIT_SEED = 0


@dataclass(frozen=True)
class Digits:
    """Pictures and what they show: `images` uint8 [N, 28, 28], `labels` int64 [N]."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor | slice) -> "Digits":
        return Digits(self.images[index], self.labels[index])

    def followed_by(self, others: "Digits") -> "Digits":
        """Return these pictures and then the others."""
        return Digits(torch.cat([self.images, others.images]), torch.cat([self.labels, others.labels]))

    def permute_pixels(self, order: Tensor) -> "Digits":
        """Return the pictures with pixel i taken from place `order[i]`, a permutation of 0..783, row by row."""
        return Digits(self.images.flatten(1)[:, order].view_as(self.images), self.labels)

    def pixels(self) -> Tensor:
        """Return the pictures as networks take them: float32 [N, 1, 28, 28] in 0..1."""
        return self.images.unsqueeze(1).float() / 255


@dataclass(frozen=True)
class Mnist:
    """The three parts: 55,000 to learn from, 5,000 to choose with, 10,000 to score once."""

    train: Digits
    validation: Digits
    test: Digits

    def permute_pixels(self, order: Tensor) -> "Mnist":
        """Return all three parts with their pixels in another order (see `Digits.permute_pixels`)."""
        return Mnist(*(part.permute_pixels(order) for part in (self.train, self.validation, self.test)))


def load_mnist(root: Path) -> Mnist:
    """Return MNIST from `root`, fetched first if need be. Raises `DataError`.

    Where `DIGITS_CORRECTED_FILE` names corrected pictures, they are learned from, too, and come first.
    """
    ensure(root)
    everything = _read(root, train=True)
    chosen, validation = split(everything.labels)
    train = everything[chosen]
    if corrected := get_settings().corrected_file:
        train = read_corrected(corrected).followed_by(train)
    return Mnist(train, everything[validation], _read(root, train=False))


def digests() -> dict[str, str]:
    """Return the SHA-256 of each file that `load` learns from or measures on, by name. Raises `DataError`."""
    corrected = get_settings().corrected_file
    return SHA256 | ({corrected.name: sha256(corrected)} if corrected and len(read_corrected(corrected)) else {})


def read_corrected(path: Path) -> Digits:
    """Return the pictures and labels that `write_corrected` wrote. Raises `DataError`."""
    try:
        with np.load(path, allow_pickle=False) as content:
            return Digits(torch.from_numpy(content["images"]), torch.from_numpy(content["labels"]))
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path} holds no corrected pictures: {error}") from error


def write_corrected(digits: Digits, path: Path) -> None:
    """Write pictures and labels to a .npz file, which appears whole."""
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, images=digits.images.numpy(), labels=digits.labels.numpy())


def split(labels: Tensor, validation: int = VALIDATION, seed: int = SPLIT_SEED) -> tuple[Tensor, Tensor]:
    """Split indices of `labels` int64 [N] into train and validation, each digit in its share of the whole.

    The same labels and seed give the same split on every machine. Both parts come sorted.
    """
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(labels)))
    # Stable: within a digit the shuffled order stays, so that taking every digit's first few is a random draw.
    by_digit = order[torch.argsort(labels[order], stable=True)]
    # Evenly spaced places in a list sorted by digit hold each digit in its share, and exactly `validation` of them.
    places = torch.arange(validation) * len(labels) // validation
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[by_digit[places]] = True
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()


def _read(root: Path, train: bool) -> Digits:
    part = MNIST(str(root), train=train)
    return Digits(part.data, part.targets)


def as_png(image: NDArray[np.uint8]) -> bytes:
    """Encode uint8 [H, W] as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
