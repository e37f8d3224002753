"""What teachers answer to distorted digits: computed once, then shared by all seeds and networks that learn from them.

A teacher may take many times as long as its student. So a training with teachers does not distort its digits anew in
each epoch: it takes turns between `COPIES` distorted copies of each, with the mean of the teachers' logits. Teachers
answer as they would serve, in ONNX Runtime: it takes three fifths of PyTorch's time, and with 8 bits a third of that.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Generator, Tensor
from tqdm import tqdm

from src.model.cores import count_cores
from src.model.data.augmentation import Distortion, augment
from src.model.data.mnist import Digits
from src.model.files import atomic_path
from src.model.inference.artefact import describe
from src.model.inference.runtime import Images, Logits, Runtime, open_runtime
from src.model.training.loop import choose_device

COPIES: Final = 12  # of MNIST's pictures, which an epoch uses once each
SYNTHETIC_COPIES: Final = 4  # of synthetic pictures: an epoch draws a quarter of them
BATCH: Final = 500  # pictures that are distorted together
PART: Final = 50  # pictures of a batch that a thread answers at once


@dataclass(frozen=True)
class TaughtDigits:
    """Distorted copies of N digits, and their teachers' answers."""

    images: Tensor  # uint8 [copies, N, 28, 28]
    logits: Tensor  # float16 [copies, N, 10]
    labels: Tensor  # int64 [N]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, epoch: int, indices: Tensor) -> tuple[Digits, Tensor]:
        """Return the pictures at `indices` as they are in an epoch, 0…, and the teachers' logits [len(indices), 10]."""
        copy = epoch % len(self.images)
        return Digits(self.images[copy][indices], self.labels[indices]), self.logits[copy][indices].float()


def teach(digits: Digits, teachers: Sequence[Path], distortion: Distortion, copies: int, folder: Path) -> TaughtDigits:
    """Return `copies` distorted copies of `digits` with the answers of `teachers`, files of artefacts.

    They are made once, then read from `folder`. Raises `ArtefactError` if an artefact is missing or invalid.
    """
    weights = [describe(path).sha256["onnx"] for path in teachers]
    key = hashlib.sha256(digits.images.numpy().tobytes() + repr((weights, distortion, copies)).encode()).hexdigest()
    path = folder / f"taught-{key[:16]}.pt"
    if not path.exists():
        runtimes = [open_teacher(teacher) for teacher in teachers]
        made = [_teach_copy(digits, runtimes, distortion, copy) for copy in range(copies)]
        images, logits = (torch.stack(parts) for parts in zip(*made, strict=True))
        with atomic_path(path) as part:
            torch.save({"images": images, "logits": logits}, part)
    return TaughtDigits(**torch.load(path, mmap=True, weights_only=True), labels=digits.labels)


def open_teacher(artefact: Path) -> Runtime:
    """Return the network of an artefact. Raises `ArtefactError`."""
    description = describe(artefact)
    return open_runtime(artefact.with_suffix(".onnx"), description.network, description.sha256["onnx"])


def answer(teachers: Sequence[Runtime], images: Images) -> Logits:
    """Return the mean of the teachers' logits [N, 10] for images [N, 1, 28, 28]; a thread on each core computes."""
    parts = np.array_split(images, -(-len(images) // PART))
    with ThreadPoolExecutor(count_cores()) as threads:
        logits = threads.map(lambda part: np.mean([teacher.logits(part) for teacher in teachers], 0), parts)
        return np.concatenate(list(logits))


def _teach_copy(
    digits: Digits, teachers: Sequence[Runtime], distortion: Distortion, copy: int
) -> tuple[Tensor, Tensor]:
    """Return one distorted copy of all digits, uint8 [N, 28, 28], and the teachers' logits, float16 [N, 10]."""
    generator = Generator(choose_device()).manual_seed(copy)
    images, logits = [], []
    for start in tqdm(range(0, len(digits), BATCH), f"teachers, copy {copy + 1}", unit="batch", leave=False):
        pixels = digits[start : start + BATCH].pixels().to(generator.device)
        # rounded as they are stored, so that the teachers see what their student will see
        stored = (augment(pixels, distortion, generator) * 255).round().to(torch.uint8)
        images.append(stored.squeeze(1).cpu())
        logits.append(torch.from_numpy(answer(teachers, (stored.float() / 255).cpu().numpy())).half())
    return torch.cat(images), torch.cat(logits)
