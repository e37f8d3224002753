"""MNIST as tensors in memory (47 MB): training, validation and the official test set.

images  uint8  [N, 28, 28]   0 is paper, 255 is ink
labels  int64  [N]           0..9
"""

import gzip
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.datasets import MNIST

from src.model.data.download import SHA256, ensure_mnist
from src.model.errors import DataError
from src.model.files import atomic_path, sha256
from src.settings import get_settings

VALIDATION_WRITERS: Final = Path(__file__).with_name("validation_writers.json")  # made by writers.py
TEST_WRITERS: Final = Path(__file__).with_name("test_writers.json.gz")  # made by writers.py


@dataclass(frozen=True)
class Digits:
    """Pictures and their labels: `images` uint8 [N, 28, 28], `labels` int64 [N]."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor | slice) -> "Digits":
        return Digits(self.images[index], self.labels[index])

    def permute_pixels(self, permutation: Tensor) -> "Digits":
        """Return the pictures with pixel i taken from pixel `permutation[i]`, both 0..783, row by row."""
        return Digits(self.images.flatten(1)[:, permutation].view_as(self.images), self.labels)

    def pixels(self) -> Tensor:
        """Return the pictures as the input of networks: float32 [N, 1, 28, 28] in 0..1."""
        return self.images.unsqueeze(1).float() / 255

    def choose(self, random: np.random.Generator) -> tuple[NDArray[np.float32], int]:
        """Return a random digit as pixels [28, 28] in 0..1, and its label."""
        index = int(random.integers(len(self)))
        return self[index : index + 1].pixels()[0, 0].numpy(), int(self.labels[index])


@dataclass(frozen=True)
class Mnist:
    """MNIST in three parts: 55,000 pictures for training, 5,000 for validation, and the official 10,000 for testing.

    No writer has digits in two parts.
    """

    train: Digits
    validation: Digits
    test: Digits

    def permute_pixels(self, permutation: Tensor) -> "Mnist":
        """Return all three parts with permuted pixels (see `Digits.permute_pixels`)."""
        return Mnist(*(part.permute_pixels(permutation) for part in (self.train, self.validation, self.test)))


def load_mnist(root: Path) -> Mnist:
    """Return MNIST from `root`, downloading it first if it is missing. Raises `DataError`.

    If `DIGITS_CORRECTED_FILE` is set, the training set begins with its corrected pictures.
    """
    ensure_mnist(root)
    full = read_digits(root, train=True)
    train_indices, validation_indices = split_by_writer(len(full), read_validation_writers())
    train = full[train_indices]
    if path := get_settings().corrected_file:
        corrected = read_corrected(path)
        train = Digits(torch.cat([corrected.images, train.images]), torch.cat([corrected.labels, train.labels]))
    return Mnist(train, full[validation_indices], read_digits(root, train=False))


def read_digits(root: Path, train: bool) -> Digits:
    """Return MNIST's 60,000 training digits or its 10,000 test digits, from the files below `root`."""
    part = MNIST(str(root), train=train)
    return Digits(part.data, part.targets)


def split_by_writer(count: int, validation: dict[str, list[int]]) -> tuple[Tensor, Tensor]:
    """Split the indices 0..`count`-1 into those for training and those of the `validation` writers, both sorted."""
    chosen = torch.zeros(count, dtype=torch.bool)
    chosen[[index for indices in validation.values() for index in indices]] = True
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()


def read_validation_writers() -> dict[str, list[int]]:
    """Return the writers of the validation digits, and the indices of each among MNIST's training digits."""
    writers: dict[str, list[int]] = json.loads(VALIDATION_WRITERS.read_bytes())
    return writers


def read_test_writers() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return who wrote each of MNIST's test digits, by QMNIST's numbers, and NIST's series, 0 or 4: [10000] each."""
    indices_by_series: dict[str, dict[str, list[int]]] = json.loads(gzip.decompress(TEST_WRITERS.read_bytes()))
    size = sum(len(indices) for writers in indices_by_series.values() for indices in writers.values())
    writer_of, series_of = np.full((2, size), -1, np.int64)
    for series, writers in indices_by_series.items():
        for writer, indices in writers.items():
            writer_of[indices], series_of[indices] = int(writer), int(series)
    return writer_of, series_of


def hash_sources() -> dict[str, str]:
    """Return the SHA-256 of each file that `load_mnist` reads, by file name. Raises `DataError`."""
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
    """Write pictures and labels to a .npz file, atomically."""
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, images=digits.images.numpy(), labels=digits.labels.numpy())


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode uint8 [H, W] or [H, W, 3] as a PNG file."""
    return _encode(image, "PNG")


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """Encode uint8 [H, W] or [H, W, 3] as a JPEG file; `quality` is in 1..100."""
    return _encode(image, "JPEG", quality=quality)


def _encode(image: NDArray[np.uint8], kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()
