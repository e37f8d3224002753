import numpy as np
import pytest

from src.model.data.mnist import Mnist
from src.model.evaluation import numbers
from src.model.inference.predictor import Predictor
from tests.pictures import encoded, written


def test_a_picture_file_is_read_line_by_line(predictor: Predictor) -> None:
    assert numbers.read_lines(predictor, encoded(written("10", "7"))) == ("10", "7")
    assert numbers.read_lines(predictor, b"no picture") == ()


@pytest.mark.parametrize(
    ("expected", "lines", "found"),
    [
        (("2026",), ("2026",), 4),
        (("2026",), ("226",), 3),
        (("2026",), ("2?026",), 4),
        (("2026",), ("2926",), 3),
        (("20", "26"), ("20", "26"), 4),
        (("20", "26"), (), 0),
    ],
)
def test_found_digits_are_counted_in_order(expected: tuple[str, ...], lines: tuple[str, ...], found: int) -> None:
    assert numbers.count_found(expected, lines) == found


@pytest.mark.parametrize("kind", numbers.COMPOSERS)
def test_every_kind_of_number_is_counted(predictor: Predictor, few_digits: Mnist, kind: str) -> None:
    counts = numbers.count_numbers(predictor, kind, few_digits.validation, 3, seed=1)
    assert counts.pictures == 3
    assert 0 <= counts.exact <= 3
    assert counts.digits >= 3
    assert counts.found >= 0.5 * counts.digits
    assert counts == numbers.count_numbers(predictor, kind, few_digits.validation, 3, seed=1)
    assert "exact" in str(counts)


@pytest.mark.parametrize("kind", numbers.COMPOSERS)
def test_compositions_are_grey_pictures_of_digits(few_digits: Mnist, kind: str) -> None:
    composition = numbers.COMPOSERS[kind](few_digits.train, np.random.default_rng(2))
    assert composition.picture.dtype == np.uint8
    assert composition.picture.ndim == 2
    assert all(line.isdigit() for line in composition.lines)
