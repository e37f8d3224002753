"""Nobody is kept out: not by what axe-core finds on the page in each of its states, nor by the language."""

from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage
from tests.browser.states import DEVICES, THEMES, states
from tools.text_catalogue import catalogue

pytestmark = pytest.mark.browser

SERIOUS: Final = {"serious", "critical"}


def obstacles(page: Page) -> list[str]:
    """Return what axe-core finds that is serious or worse."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{each['id']} at {node['target']}: {node['failureSummary']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("theme", THEMES)
def test_nothing_keeps_anyone_out(open_page: OpenPage, device: str, theme: str) -> None:
    page = open_page(color_scheme=theme, **DEVICES[device])
    for state in states(page):
        assert obstacles(page) == [], state


def test_in_french_no_state_says_a_word_of_the_page_in_english(open_page: OpenPage) -> None:
    english = {str(each.id) for each in catalogue("fr") if each.id and each.id != each.string}
    page = open_page(locale="fr")
    for state in states(page, "fr"):
        assert not english & {line.strip() for line in page.locator("body").inner_text().splitlines()}, state
