"""Each state of the page looks like its committed picture, is accessible, and is completely in the visitor's language.

`make screenshots` takes the pictures anew. These tests share their visits, so they are in one file: with several
processes, pytest runs each file in one of them.
"""

from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw

from tests.browser import screens
from tests.browser.chromium import OpenPage
from tests.browser.states import LOOKS, STATES
from tests.browser.visit import Visit, find_obstacles
from tools.text_catalogue import read_catalogue

VisitStates = Callable[[str, str, str], Visit]


@pytest.mark.browser
@pytest.mark.parametrize("look", LOOKS, ids="-".join)
def test_the_page_looks_like_its_pictures(visit_states: VisitStates, look: tuple[str, str, str]) -> None:
    differences = visit_states(*look).differences
    assert len(differences) == len(screens.STATES)
    message = f"{differences}: compare {screens.SEEN} with {screens.COMMITTED}"
    assert max(differences.values()) <= screens.MAX_DIFFERENCE, message


@pytest.mark.browser
@pytest.mark.parametrize("look", LOOKS, ids="-".join)
def test_no_state_has_an_obstacle(visit_states: VisitStates, look: tuple[str, str, str]) -> None:
    assert visit_states(*look).obstacles == {state: [] for state in STATES}


@pytest.mark.browser
@pytest.mark.parametrize("look", [look for look in LOOKS if look[-1] == "fr"], ids="-".join)
def test_in_french_no_state_shows_an_english_text(visit_states: VisitStates, look: tuple[str, str, str]) -> None:
    english = {str(entry.id) for entry in read_catalogue("fr") if entry.id and entry.id != entry.string}
    for state, lines in visit_states(*look).lines.items():
        assert not english & lines, state


@pytest.mark.browser
def test_a_picture_without_a_description_is_an_obstacle(open_page: OpenPage) -> None:
    page = open_page()
    page.evaluate("document.body.append(document.createElement('img'))")
    assert any(obstacle.startswith("image-alt") for obstacle in find_obstacles(page))


def page_like(colour: str = "black", left: int = 0, height: int = 200) -> Image.Image:
    picture = Image.new("RGB", (800, height), "white")
    ImageDraw.Draw(picture).rectangle((100 + left, 50, 200 + left, 150), fill=colour)
    return picture


def test_a_shift_by_one_pixel_is_not_a_difference() -> None:
    assert screens.difference(page_like(), page_like(left=1)) <= screens.MAX_DIFFERENCE


@pytest.mark.parametrize("other", [page_like("gray"), page_like(left=20), page_like(height=240)])
def test_another_colour_position_or_height_is_a_difference(other: Image.Image) -> None:
    assert screens.difference(page_like(), other) > screens.MAX_DIFFERENCE
