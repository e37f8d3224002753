import numpy as np
import pytest
from numpy.typing import NDArray

from src.model.preprocessing.background import estimate_shading, find_background, find_difference
from src.model.preprocessing.contrast import GreyHistogram
from tests.model.preprocessing import samples
from tests.model.preprocessing.samples import tightly_cropped
from tests.pictures import drawn


def find_grey_background(levels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], bool]:
    difference = find_difference(levels[..., None])
    return find_background(levels[..., None], GreyHistogram(levels, difference), difference)


@pytest.mark.parametrize("digit", range(10))
def test_the_paper_of_a_drawing_is_clear(digit: int) -> None:
    paper, is_clear = find_grey_background(np.asarray(drawn(digit)))
    assert (paper.tolist(), is_clear) == ([255], True)


@pytest.mark.parametrize("digit", range(10))
def test_the_paper_of_a_tightly_cropped_digit_is_not_its_ink(digit: int) -> None:
    paper, is_clear = find_grey_background(np.asarray(tightly_cropped(digit)))
    assert paper.max() < 128
    assert not is_clear


def test_coloured_paper_with_noise_is_clear() -> None:
    noise = np.random.default_rng(0).integers(-3, 4, (60, 60, 3))
    colour = np.array([250, 220, 10])
    colours = (colour + noise).clip(0, 255).astype(np.uint8)
    paper, is_clear = find_background(colours, None, find_difference(colours))
    assert np.abs(paper - colour).max() <= 3
    assert is_clear


def test_a_drawing_that_is_mostly_ink_is_not_clear() -> None:
    levels = np.full((100, 100), 255, np.uint8)
    levels[10:90, 10:90] = 0
    assert not find_grey_background(levels)[1]


@pytest.mark.parametrize("light", [samples.sloping_light(), samples.shadow()])
def test_shaded_paper_is_followed_under_the_strokes(light: NDArray[np.floating]) -> None:
    paper = 220 * light
    levels = (paper * (0.3 + 0.7 * np.asarray(drawn(4)) / 255)).astype(np.uint8)
    assert not find_grey_background(levels)[1]
    background = estimate_shading(levels[..., None])
    assert background.shape == (280, 280, 1)
    assert np.abs(background[..., 0] - paper).mean() < 5


def test_a_slope_of_light_is_followed_up_to_the_edges() -> None:
    slope = np.tile(np.linspace(200, 100, 200), (200, 1))
    background = estimate_shading(slope.astype(np.uint8)[..., None])[..., 0]
    assert np.abs(background - slope).max() < 5
