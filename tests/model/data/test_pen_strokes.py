from itertools import pairwise

import cv2
import numpy as np
import pytest

from src.model.data.glyphs import WRITERS, write_digit
from src.model.data.pen_strokes import CANVAS, MARGIN, draw_shape, fit_to_canvas, join_strokes, smooth


@pytest.mark.parametrize("digit", range(10))
def test_digit_fits_the_canvas(digit: int) -> None:
    random = np.random.default_rng(digit)
    for _ in range(20):
        ink = draw_shape(write_digit(digit, random), random)
        assert ink.shape == (CANVAS, CANVAS)
        assert ink.max() == 1
        assert ink[0].max() == ink[-1].max() == ink[:, 0].max() == ink[:, -1].max() == 0


def test_digits_are_written_in_several_ways() -> None:
    random = np.random.default_rng(0)
    forms = [  # points of each curve, of each stroke
        {str([[len(curve) for curve in stroke] for stroke in writer(random)]) for _ in range(100)} for writer in WRITERS
    ]
    assert [len(form) for form in forms] == [2, 3, 2, 2, 2, 3, 1, 4, 2, 2]
    assert all(writer(random) != writer(random) for writer in WRITERS)


def test_some_zeros_are_slashed_and_some_sevens_crossed() -> None:
    random = np.random.default_rng(0)
    for digit in (0, 7):
        strokes = [len(WRITERS[digit](random)) for _ in range(50)]
        assert {1, 2} == set(strokes)


def test_every_digit_is_sometimes_built_of_straight_strokes() -> None:
    random = np.random.default_rng(0)
    for digit in range(10):
        shapes = [write_digit(digit, random) for _ in range(80)]
        assert any(all(len(curve) == 2 for stroke in shape for curve in stroke) for shape in shapes)


def test_joined_strokes_have_no_gaps() -> None:
    first = [[(0.0, 0.0), (0.5, 0.5)]]
    second = [[(1.0, 0.0), (1.0, 1.0)]]
    (stroke,) = join_strokes([first, second])
    assert all(before[-1] == after[0] for before, after in pairwise(stroke))


def test_smooth_curve_goes_through_its_points() -> None:
    points = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [4.0, 4.0]])
    curve = smooth(points)
    for point in points:
        assert np.linalg.norm(curve - point, axis=1).min() < 1e-9


def test_strokes_fill_the_canvas_and_keep_their_aspect() -> None:
    (stroke,) = fit_to_canvas([np.array([[0.0, 0.0], [1.0, 4.0]])])
    width, height = stroke.max(0) - stroke.min(0)
    assert height == pytest.approx(CANVAS - 2 * MARGIN)
    assert width == pytest.approx(height / 4)


def test_strokes_stay_connected_at_any_pen_width() -> None:
    random = np.random.default_rng(3)
    for _ in range(30):
        ink = draw_shape(write_digit(6, random), random)
        assert cv2.connectedComponents((ink > 0.3).astype(np.uint8))[0] == 2  # paper and one stroke
