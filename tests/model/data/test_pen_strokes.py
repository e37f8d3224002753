from itertools import pairwise

import cv2
import numpy as np
import pytest

from src.model.data.glyphs import WRITERS, write
from src.model.data.pen_strokes import CANVAS, MARGIN, draw, joined, placed, smooth


@pytest.mark.parametrize("digit", range(10))
def test_a_written_digit_fits_the_canvas(digit: int) -> None:
    random = np.random.default_rng(digit)
    for _ in range(20):
        ink = draw(write(digit, random), random)
        assert ink.shape == (CANVAS, CANVAS)
        assert ink.max() == 1
        assert ink[0].max() == ink[-1].max() == ink[:, 0].max() == ink[:, -1].max() == 0


def test_digits_are_written_in_several_ways() -> None:
    random = np.random.default_rng(0)
    for writer in WRITERS:
        assert len({str([len(stroke) for stroke in writer(random)]) for _ in range(40)} | {str(writer(random))}) > 1


def test_some_zeros_are_slashed_and_some_sevens_crossed() -> None:
    random = np.random.default_rng(0)
    for digit in (0, 7):
        strokes = [len(WRITERS[digit](random)) for _ in range(50)]
        assert {1, 2} == set(strokes)


def test_some_of_every_digit_are_built_of_straight_strokes() -> None:
    random = np.random.default_rng(0)
    for digit in range(10):
        shapes = [write(digit, random) for _ in range(80)]
        assert any(all(len(curve) == 2 for stroke in shape for curve in stroke) for shape in shapes)


def test_a_joined_digit_is_one_stroke_without_gaps() -> None:
    first = [[(0.0, 0.0), (0.5, 0.5)]]
    second = [[(1.0, 0.0), (1.0, 1.0)]]
    (whole,) = joined([first, second])
    assert all(before[-1] == after[0] for before, after in pairwise(whole))


def test_a_smooth_curve_goes_through_its_points() -> None:
    points = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [4.0, 4.0]])
    curve = smooth(points)
    for point in points:
        assert np.linalg.norm(curve - point, axis=1).min() < 1e-9


def test_strokes_are_scaled_to_the_canvas_with_their_aspect_kept() -> None:
    (placed_stroke,) = placed([np.array([[0.0, 0.0], [1.0, 4.0]])])
    wide, high = placed_stroke.max(0) - placed_stroke.min(0)
    assert high == pytest.approx(CANVAS - 2 * MARGIN)
    assert wide == pytest.approx(high / 4)


def test_a_pen_of_any_width_leaves_connected_strokes() -> None:
    random = np.random.default_rng(3)
    for _ in range(30):
        ink = draw(write(6, random), random)
        assert cv2.connectedComponents((ink > 0.3).astype(np.uint8))[0] == 2  # paper and one stroke
