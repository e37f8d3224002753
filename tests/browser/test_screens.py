"""The page looks like its committed pictures, which `make screenshots` takes anew."""

from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw

from tests.browser import screens
from tests.browser.states import LOOKS
from tests.browser.visit import Visit


@pytest.mark.browser
@pytest.mark.parametrize("look", LOOKS, ids="-".join)
def test_the_page_looks_like_its_pictures(
    visit_states: Callable[[str, str, str], Visit], look: tuple[str, str, str]
) -> None:
    differences = visit_states(*look).differences
    assert len(differences) == len(screens.STATES)
    message = f"{differences}: compare {screens.SEEN} with {screens.COMMITTED}"
    assert max(differences.values()) <= screens.MAX_DIFFERENCE, message


def page_like(colour: str = "black", left: int = 0, height: int = 200) -> Image.Image:
    picture = Image.new("RGB", (800, height), "white")
    ImageDraw.Draw(picture).rectangle((100 + left, 50, 200 + left, 150), fill=colour)
    return picture


def test_a_shift_by_one_pixel_is_not_a_difference() -> None:
    assert screens.difference(page_like(), page_like(left=1)) <= screens.MAX_DIFFERENCE


@pytest.mark.parametrize("other", [page_like("gray"), page_like(left=20), page_like(height=240)])
def test_another_colour_position_or_height_is_a_difference(other: Image.Image) -> None:
    assert screens.difference(page_like(), other) > screens.MAX_DIFFERENCE
