"""Choose the writers whose digits are for validation, so that no writer is in training and validation.

python -m src.model.data.writers                      downloads the labels of QMNIST
python -m src.model.data.writers --writers FILE.npz   reads `train_writer` and `train_series`, int [60000]

Writes `validation_writers.json`, which is committed: the project itself needs no labels of QMNIST. They say who wrote
each digit of MNIST: Yadav and Bottou, "Cold case: the lost MNIST digits" (2019). NIST collected two series, 0 from
employees of the census and 4 from pupils; the writers of MNIST's test digits wrote none of its training digits.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torchvision.datasets import QMNIST

from src.model.data.download import ensure_mnist
from src.model.data.mnist import VALIDATION_WRITERS, read_digits
from src.model.errors import DataError
from src.model.files import write_text_atomically
from src.settings import get_settings

SIZE: Final = 5_000  # validation digits
DRAWS: Final = 20_000  # random sets of writers to choose from
SERIES, WRITER = 1, 2  # columns of QMNIST's labels

Array = NDArray[np.int64]


def choose_writers(writers: Array, series: Array, labels: Array, size: int, draws: int = DRAWS) -> Array:
    """Return the numbers of writers who wrote exactly `size` digits together. Arrays are [N], one entry for each digit.

    Of `draws` random sets of writers, with both series in proportion, the one is returned that has this size and whose
    counts of the ten digits are closest to their share of it. Raises `DataError` if no set has this size.
    """
    random = np.random.default_rng(0)
    numbers, rows = np.unique(writers, return_inverse=True)
    counts = np.zeros((len(numbers), 10), np.int64)  # of each writer's digits
    np.add.at(counts, (rows, labels), 1)
    in_series = [numbers[np.unique(rows[series == one])] for one in np.unique(series)]
    share = size / len(writers)
    target = np.bincount(labels, minlength=10) * share
    best, least = numbers[:0], np.inf
    for _ in range(draws):
        chosen = np.concatenate([random.choice(some, round(len(some) * share), replace=False) for some in in_series])
        sums = counts[np.searchsorted(numbers, chosen)].sum(0)
        deviation = np.abs(sums - target).max()
        if sums.sum() == size and deviation < least:
            best, least = np.sort(chosen), deviation
    if not len(best):
        raise DataError(f"None of {draws:,} sets of writers has {size:,} digits.")
    return best


def main(arguments: list[str] | None = None) -> int:
    """Write the chosen writers and the indices of their digits; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m src.model.data.writers", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--writers", type=Path, help="a .npz with `train_writer` and `train_series`, instead of QMNIST")
    options = parser.parse_args(arguments)
    root = get_settings().data_dir
    ensure_mnist(root)
    writers, series = _read_npz(options.writers) if options.writers else _download(root)
    chosen = choose_writers(writers, series, read_digits(root, train=True).labels.numpy(), SIZE)
    lines = [f'"{writer}": {np.flatnonzero(writers == writer).tolist()}' for writer in chosen]
    write_text_atomically(VALIDATION_WRITERS, "{\n" + ",\n".join(lines) + "\n}\n")
    sys.stdout.write(f"{len(chosen)} of {len(np.unique(writers))} writers, {SIZE:,} digits: {VALIDATION_WRITERS}\n")
    return 0


def _read_npz(path: Path) -> tuple[Array, Array]:
    with np.load(path, allow_pickle=False) as content:
        return content["train_writer"].astype(np.int64), content["train_series"].astype(np.int64)


def _download(root: Path) -> tuple[Array, Array]:
    labels = QMNIST(str(root), what="train", compat=False, download=True).targets.numpy()
    return labels[:, WRITER], labels[:, SERIES]


if __name__ == "__main__":
    sys.exit(main())
