"""Say who wrote MNIST's digits: choose validation writers of whom no digit is in training, and group the test digits.

python -m src.model.data.writers                      downloads the labels of QMNIST
python -m src.model.data.writers --writers FILE.npz   reads `train_writer`, `train_series`, `test_writer`, `test_series`

Writes two lists of indices by writer, which are committed, so that the project itself needs no labels of QMNIST:
`validation_writers.json` of the chosen ones, and `test_writers.json.gz` of all writers of the official test set, by
series, for the report of `official_test.py`. They come from QMNIST (https://github.com/facebookresearch/qmnist, BSD
licence): Yadav and Bottou, "Cold case: the lost MNIST digits" (2019). NIST collected two series, 0 from employees of
the census and 4 from pupils; the writers of MNIST's test digits wrote none of its training digits.
"""

import argparse
import gzip
import sys
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torchvision.datasets import QMNIST

from src.model.data.download import ensure_mnist
from src.model.data.mnist import TEST_WRITERS, VALIDATION_WRITERS, read_digits
from src.model.errors import DataError
from src.model.files import atomic_path, write_text_atomically
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
    """Write the digits of the chosen validation writers and of the test writers; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m src.model.data.writers", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--writers", type=Path, help="a .npz with writers and series, instead of QMNIST")
    options = parser.parse_args(arguments)
    root = get_settings().data_dir
    ensure_mnist(root)
    writers, series = _read_npz(options.writers, "train") if options.writers else _download(root, "train")
    test_writers, test_series = _read_npz(options.writers, "test") if options.writers else _download(root, "test10k")
    chosen = choose_writers(writers, series, read_digits(root, train=True).labels.numpy(), SIZE)
    write_text_atomically(VALIDATION_WRITERS, f"{_format_indices(writers, chosen)}\n")
    parts = (f'"{one}": {_format_indices(test_writers, test_writers[test_series == one])}' for one in (0, 4))
    with atomic_path(TEST_WRITERS) as part:
        part.write_bytes(gzip.compress(f"{{{', '.join(parts)}}}\n".encode(), mtime=0))
    sys.stdout.write(
        f"{len(chosen)} of {len(np.unique(writers))} writers, {SIZE:,} digits: {VALIDATION_WRITERS}\n"
        f"{len(np.unique(test_writers))} writers, {len(test_writers):,} digits: {TEST_WRITERS}\n"
    )
    return 0


def _format_indices(writers: Array, chosen: Array) -> str:
    """Return the indices of the digits of each of the `chosen` among `writers` [N], as JSON with a line for each."""
    lines = [f'"{writer}": {np.flatnonzero(writers == writer).tolist()}' for writer in np.unique(chosen)]
    return "{\n" + ",\n".join(lines) + "\n}"


def _read_npz(path: Path, part: str) -> tuple[Array, Array]:
    with np.load(path, allow_pickle=False) as content:
        return content[f"{part}_writer"].astype(np.int64), content[f"{part}_series"].astype(np.int64)


def _download(root: Path, part: str) -> tuple[Array, Array]:
    labels = QMNIST(str(root), what=part, compat=False, download=True).targets.numpy()
    return labels[:, WRITER], labels[:, SERIES]


if __name__ == "__main__":
    sys.exit(main())
