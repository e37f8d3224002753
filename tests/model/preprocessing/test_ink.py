import numpy as np
import pytest
from numpy.typing import NDArray

from src.model.preprocessing.background import find_difference
from src.model.preprocessing.contrast import GreyHistogram
from src.model.preprocessing.ink import Reading, read_colours
from src.model.preprocessing.ink import read_grey as read_grey_inside


def read_grey(grey: NDArray[np.uint8], paper: float) -> Reading | None:
    difference = find_difference(grey[..., None])
    return read_grey_inside(grey, GreyHistogram(grey, difference), paper, difference)


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (90, 160)])
def test_ink_is_one_and_paper_zero_whatever_their_levels(ink: int, paper: int) -> None:
    grey = np.full((50, 50), paper, np.uint8)
    grey[10:40, 20:25] = ink
    reading = read_grey(grey, paper)
    assert reading is not None
    assert np.array_equal(reading.ink, grey == ink)
    assert not reading.is_blank()


def test_colours_of_the_same_brightness_are_told_apart() -> None:
    colours = np.full((50, 50, 3), (60, 140, 60), np.uint8)
    colours[10:40, 20:25] = (200, 40, 40)
    reading = read_colours(colours, np.array([60, 140, 60], np.float32))
    assert reading is not None
    assert np.array_equal(reading.ink > 0.5, colours[..., 0] == 200)


def test_an_even_picture_has_no_reading() -> None:
    grey = np.full((50, 50), 128, np.uint8)
    assert read_grey(grey, 128) is None


def test_a_slope_of_light_is_blank() -> None:
    slope = np.tile(np.linspace(200, 100, 200), (50, 1)).astype(np.uint8)
    reading = read_grey(slope, 200)
    assert reading is not None
    assert reading.is_blank()


def test_a_grey_picture_is_read_alike_from_its_histogram_and_from_its_pixels() -> None:
    grey = np.random.default_rng(0).normal(200, 3, (60, 60)).astype(np.uint8)
    grey[10:40, 20:25] = 90
    from_histogram = read_grey(grey, 200)
    from_pixels = read_colours(grey[..., None], np.array([200], np.float32))
    assert from_histogram is not None
    assert from_pixels is not None
    np.testing.assert_allclose(from_histogram.ink, from_pixels.ink, atol=0.01)
    assert from_histogram.contrast == pytest.approx(from_pixels.contrast, rel=0.01)
    assert from_histogram.noise == pytest.approx(from_pixels.noise, rel=0.05)
