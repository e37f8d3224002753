"""Pictures for the benchmark: MNIST's training digits, each shifted by other pixels in each pass, as PNG in Parquet.

The same number gives the same files on every machine. Any part of them has all shifts alike: a digit near an edge takes
up to four times as long as one in the middle.
"""

from itertools import product
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pyarrow
from pyarrow import parquet

from src.model.data.download import ensure_mnist
from src.model.files import atomic_path
from src.model.scoring.manifest import SHARD_SIZE
from src.settings import ROOT, get_settings

FOLDER: Final = ROOT / "build" / "score"
FILE: Final = 100_000  # pictures in a Parquet file
SHIFTS: Final = sorted(product(range(-2, 3), repeat=2), key=lambda shift: (abs(shift[0]) + abs(shift[1]), shift))


def make(count: int) -> Path:
    """Return a folder of Parquet files with `count` pictures, 1 to 1,500,000, made first if it is missing."""
    folder = FOLDER / f"shifted-{count}"
    raw = ensure_mnist(get_settings().data_dir) / "train-images-idx3-ubyte"
    images = np.frombuffer(raw.read_bytes(), np.uint8)[16:].reshape(-1, 28, 28)
    for start in range(0, count, FILE):
        path = folder / f"digits-{start // FILE:02}.parquet"
        if not path.exists():
            numbers = range(start, min(start + FILE, count))
            table = pyarrow.table(
                {
                    "path": [f"digit-{number:07}.png" for number in numbers],
                    "image": pyarrow.array([_encode(images, number) for number in numbers], pyarrow.binary()),
                }
            )
            with atomic_path(path) as part:
                parquet.write_table(table, part, row_group_size=SHARD_SIZE)
    return folder


def _encode(images: np.ndarray, number: int) -> bytes:
    """Return picture `number` as a PNG file."""
    turn, index = divmod(number, len(images))
    shift = SHIFTS[(turn + index) % len(SHIFTS)]
    return cv2.imencode(".png", np.roll(images[index], shift, (0, 1)))[1].tobytes()


def read(folder: Path, count: int) -> list[bytes]:
    """Return the first pictures of a folder that `make` made."""
    with parquet.ParquetFile(next(iter(sorted(folder.glob("*.parquet"))))) as file:
        pictures: list[bytes] = next(file.iter_batches(count, columns=["image"]))["image"].to_pylist()
        return pictures
