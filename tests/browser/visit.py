"""A visit to every state of the page: what is found there, and how much it differs from its committed picture."""

from dataclasses import dataclass, field
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page

from tests.browser import screens
from tests.browser.chromium import OpenPage
from tests.browser.states import DEVICES, states

SERIOUS: Final = {"serious", "critical"}


@dataclass(frozen=True)
class Visit:
    """What was found."""

    obstacles: dict[str, list[str]] = field(default_factory=dict)  # what axe-core finds, by state
    lines: dict[str, set[str]] = field(default_factory=dict)  # of text, by state
    differences: dict[str, float] = field(default_factory=dict)  # by the committed picture's name


def visit(open_page: OpenPage, device: str, theme: str, language: str) -> Visit:
    """Walk through the states once."""
    result = Visit()
    page = open_page(color_scheme=theme, locale=language, **DEVICES[device])
    for state in states(page, language):
        result.obstacles[state] = find_obstacles(page)
        result.lines[state] = {line.strip() for line in page.locator("body").inner_text().splitlines()}
        if state in screens.STATES:
            name = screens.file_name(state, device, theme, language)
            picture = screens.photograph(page)
            screens.save(picture, screens.SEEN / name)
            result.differences[name] = screens.difference(picture, Image.open(screens.COMMITTED / name))
    return result


def find_obstacles(page: Page) -> list[str]:
    """Return what axe-core finds that is serious or worse."""
    violations: list[dict[str, Any]] = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{violation['id']} at {node['target']}: {node['failureSummary']}"
        for violation in violations
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
