import numpy as np
import pytest
from PIL import Image, ImageFilter

from src.model.errors import BlankPicture
from src.model.preprocessing.decode import decode
from src.model.preprocessing.ink import find_ink
from tests.model.preprocessing import samples
from tests.pictures import MAX_PIXELS, drawn, encoded


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_even_picture_is_blank(level: int) -> None:
    with pytest.raises(BlankPicture, match="blank"):
        find_ink(np.full((280, 280, 1), level, np.uint8))


def test_a_transparent_picture_is_blank() -> None:
    with pytest.raises(BlankPicture):
        find_ink(decode(encoded(Image.new("RGBA", (280, 280))), MAX_PIXELS))


def test_noisy_shaded_paper_without_ink_is_blank() -> None:
    levels = np.random.default_rng(0).normal(200, 3, (280, 280)) * samples.sloping_light()
    smooth = Image.fromarray(levels.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))
    with pytest.raises(BlankPicture):
        find_ink(np.asarray(smooth)[..., None])


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (90, 160)])
def test_ink_is_one_and_paper_zero_whatever_their_levels(ink: int, paper: int) -> None:
    colours = np.full((50, 50, 1), paper, np.uint8)
    colours[10:40, 20:25] = ink
    assert np.array_equal(find_ink(colours), colours[..., 0] == ink)


def test_colours_of_the_same_brightness_are_told_apart() -> None:
    colours = np.full((50, 50, 3), (60, 140, 60), np.uint8)
    colours[10:40, 20:25] = (200, 40, 40)
    assert np.array_equal(find_ink(colours) > 0.5, colours[..., 0] == 200)


@pytest.mark.parametrize("page", [128, 255])
def test_the_ink_of_a_picture_pasted_on_a_page_is_found_inside_it(page: int) -> None:
    ink = find_ink(decode(samples.pasted_box(4, page), MAX_PIXELS))
    margin = 1 + 280 // 50
    expected = 1 - np.asarray(drawn(4), np.float32)[margin:-margin, margin:-margin] / 255
    np.testing.assert_allclose(ink, expected, atol=0.01)
