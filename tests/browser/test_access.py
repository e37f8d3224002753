"""The page is accessible in each of its states, and completely in the visitor's language."""

from collections.abc import Callable

import pytest

from tests.browser.chromium import OpenPage
from tests.browser.states import LOOKS, STATES
from tests.browser.visit import Visit, find_obstacles
from tools.text_catalogue import read_catalogue

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("look", LOOKS, ids="-".join)
def test_no_state_has_an_obstacle(visit_states: Callable[[str, str, str], Visit], look: tuple[str, str, str]) -> None:
    assert visit_states(*look).obstacles == {state: [] for state in STATES}


def test_a_picture_without_a_description_is_an_obstacle(open_page: OpenPage) -> None:
    page = open_page()
    page.evaluate("document.body.append(document.createElement('img'))")
    assert any(obstacle.startswith("image-alt") for obstacle in find_obstacles(page))


@pytest.mark.parametrize("look", [look for look in LOOKS if look[-1] == "fr"], ids="-".join)
def test_in_french_no_state_shows_an_english_text(
    visit_states: Callable[[str, str, str], Visit], look: tuple[str, str, str]
) -> None:
    english = {str(entry.id) for entry in read_catalogue("fr") if entry.id and entry.id != entry.string}
    for state, lines in visit_states(*look).lines.items():
        assert not english & lines, state
