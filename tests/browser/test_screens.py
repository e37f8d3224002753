"""The page looks as it did when someone last looked at it and found it good: `make screenshots` takes the pictures."""

import pytest
from PIL import Image, ImageDraw

from tests.browser import screens
from tests.browser.conftest import OpenPage
from tests.browser.states import DEVICES, THEMES, states


@pytest.mark.browser
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("theme", THEMES)
def test_the_page_looks_as_it_did(open_page: OpenPage, device: str, theme: str) -> None:
    page = open_page(color_scheme=theme, **DEVICES[device])
    found: dict[str, float] = {}
    for state in states(page):
        name = screens.file_name(state, device, theme)
        screens.save(picture := screens.photograph(page), screens.SEEN / name)
        if state in screens.STATES:
            found[name] = screens.difference(picture, Image.open(screens.COMMITTED / name))
        if len(found) == len(screens.STATES):
            break
    assert max(found.values()) <= screens.SHARE, f"{found}: compare {screens.SEEN} with {screens.COMMITTED}"


def page_like(colour: str = "black", left: int = 0, height: int = 200) -> Image.Image:
    picture = Image.new("RGB", (800, height), "white")
    ImageDraw.Draw(picture).rectangle((100 + left, 50, 200 + left, 150), fill=colour)
    return picture


def test_edges_that_fall_otherwise_are_no_difference() -> None:
    assert screens.difference(page_like(), page_like(left=1)) <= screens.SHARE


@pytest.mark.parametrize("other", [page_like("gray"), page_like(left=20), page_like(height=240)])
def test_another_colour_place_or_height_is_a_difference(other: Image.Image) -> None:
    assert screens.difference(page_like(), other) > screens.SHARE
