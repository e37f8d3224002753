"""How well numbers are read: compositions of a set of digits, through the path that users' pictures take."""

from collections.abc import Callable
from difflib import SequenceMatcher
from functools import partial
from typing import Final

import numpy as np
from numpy.random import Generator
from tqdm import tqdm

from src.model.data.mnist import Digits, encode_png
from src.model.data.numbers.compositions import Composition, compose_number, compose_pair, compose_sheet
from src.model.errors import PictureError
from src.model.evaluation.report import NumberCounts
from src.model.inference.numbers import read
from src.model.inference.predictor import Predictor
from src.settings import get_settings

TOUCHING: Final = 0.25  # of the pairs of neighbours, in the set that has some

# Each composes pictures of one kind; the names are keys of the saved evaluation.
COMPOSERS: Final[dict[str, Callable[[Digits, Generator], Composition]]] = {
    "2 to 6 digits, none touching": compose_number,
    "2 to 6 digits, every fourth pair touching": partial(compose_number, touching=TOUCHING),
    "two digits in 28x28": compose_pair,
    "photographed lines and sheets": compose_sheet,
}


def count_numbers(predictor: Predictor, kind: str, digits: Digits, size: int, seed: int) -> NumberCounts:
    """Read `size` compositions of `digits` and compare the answers with what was composed."""
    random = np.random.default_rng([seed, list(COMPOSERS).index(kind)])
    exact = total = found = 0
    for _ in tqdm(range(size), leave=False, unit="picture", disable=None):
        composition = COMPOSERS[kind](digits, random)
        lines = read_lines(predictor, encode_png(composition.picture))
        exact += lines == composition.lines
        total += sum(map(len, composition.lines))
        found += count_found(composition.lines, lines)
    return NumberCounts(pictures=size, exact=exact, digits=total, found=found)


def read_lines(predictor: Predictor, data: bytes) -> tuple[str, ...]:
    """Return the lines of text on a picture file; none if it is refused."""
    try:
        _, number = read(predictor, data, get_settings().max_pixels)
    except PictureError:
        return ()
    return tuple("".join(map(str, line)) for line in number.lines)


def count_found(expected: tuple[str, ...], lines: tuple[str, ...]) -> int:
    """Return how many expected digits are in the answer, in order and on their line."""
    texts = "\n".join(expected), "\n".join(lines)
    matcher = SequenceMatcher(None, *texts, autojunk=False)
    return sum(
        len(texts[0][start : start + size].replace("\n", "")) for start, _, size in matcher.get_matching_blocks()
    )
