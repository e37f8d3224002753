import numpy as np
import pytest
from numpy.typing import NDArray

from src.model.preprocessing.background import find_background
from src.model.preprocessing.contrast import GreyHistogram
from tests.model.preprocessing import samples
from tests.model.preprocessing.samples import tightly_cropped
from tests.pictures import drawn


def find_grey_background(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return find_background(levels[..., None], GreyHistogram(levels))


@pytest.mark.parametrize("digit", range(10))
def test_the_paper_of_a_drawing_has_one_colour(digit: int) -> None:
    assert find_grey_background(np.asarray(drawn(digit))).tolist() == [255]


@pytest.mark.parametrize("digit", range(10))
def test_the_paper_of_a_tightly_cropped_digit_is_not_its_ink(digit: int) -> None:
    assert find_grey_background(np.asarray(tightly_cropped(digit))).max() < 128


def test_coloured_paper_with_noise_has_one_colour() -> None:
    noise = np.random.default_rng(0).integers(-3, 4, (60, 60, 3))
    paper = np.array([250, 220, 10])
    assert np.abs(find_background((paper + noise).clip(0, 255).astype(np.uint8), None) - paper).max() <= 3


@pytest.mark.parametrize("light", [samples.sloping_light(), samples.shadow()])
def test_shaded_paper_is_followed_under_the_strokes(light: NDArray[np.floating]) -> None:
    paper = 220 * light
    levels = paper * (0.3 + 0.7 * np.asarray(drawn(4)) / 255)
    background = find_grey_background(levels.astype(np.uint8))
    assert background.shape == (280, 280, 1)
    assert np.abs(background[..., 0] - paper).mean() < 5
