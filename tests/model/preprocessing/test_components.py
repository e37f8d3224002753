import numpy as np
import pytest

from src.model.errors import BlankPicture
from src.model.preprocessing.candidates import find_inks
from src.model.preprocessing.components import extract_digit
from src.model.preprocessing.decode import decode
from src.model.preprocessing.ink import Ink
from tests.model.preprocessing import samples
from tests.pictures import MAX_PIXELS, drawn, encoded


def ink_of(data: bytes) -> Ink:
    return find_inks(decode(data, MAX_PIXELS))[0]


@pytest.mark.parametrize("size", [(1, 1), (28, 28), (280, 280)])
@pytest.mark.parametrize("level", [0, 0.4])
def test_ink_without_a_stroke_is_blank(size: tuple[int, int], level: float) -> None:
    with pytest.raises(BlankPicture, match="no stroke"):
        extract_digit(np.full(size, level, np.float32))


@pytest.mark.parametrize("digit", range(10))
def test_specks_are_removed(digit: int) -> None:
    clean, _ = extract_digit(ink_of(encoded(drawn(digit))))
    strokes, digits = extract_digit(ink_of(samples.with_specks(digit)))
    assert digits == 1
    np.testing.assert_array_equal(strokes, clean)


@pytest.mark.parametrize("digit", range(10))
def test_a_frame_around_the_digit_is_removed(digit: int) -> None:
    clean, _ = extract_digit(ink_of(encoded(drawn(digit, box=(60, 60, 160)))))
    strokes, _ = extract_digit(ink_of(samples.in_frame(digit)))
    np.testing.assert_array_equal(strokes, clean)


def test_weak_ink_is_kept_only_where_it_continues_a_stroke() -> None:
    ink = np.zeros((20, 20), np.float32)
    ink[2:12, 5] = (1,) * 5 + (0.3,) * 5
    ink[2:12, 15] = 0.3
    strokes, digits = extract_digit(ink)
    assert strokes.shape == (10, 1)
    assert digits == 1


def test_a_neighbour_cut_off_by_the_edge_is_removed() -> None:
    ink = np.zeros((100, 100), np.float32)
    ink[20:80, 48:53] = 1
    ink[30:60, 95:] = 1
    assert extract_digit(ink)[0].shape == (60, 5)
    assert extract_digit(np.pad(ink, 1))[0].shape == (60, 52)


def test_digits_side_by_side_are_counted() -> None:
    ink = np.concatenate([ink_of(encoded(drawn(digit))) for digit in (4, 2)], axis=1)
    assert extract_digit(ink)[1] == 2
    assert all(extract_digit(ink_of(encoded(drawn(digit))))[1] == 1 for digit in range(10))
