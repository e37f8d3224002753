"""Nobody is kept out: what axe-core finds on the page in each of its states."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.sheet import Sheet

pytestmark = pytest.mark.browser

SERIOUS: Final = {"serious", "critical"}
DESKTOP: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 900}}
PHONE: Final[dict[str, Any]] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def states(page: Page) -> Iterator[str]:
    """Bring the page from one state to the next, and yield the name of each."""
    sheet = Sheet(page)
    yield "nothing drawn"
    sheet.draw(4)
    sheet.reads(4)
    yield "an answer"
    sheet.unfold("heat", ".heat img")
    sheet.unfold("experiment", ".card")
    yield "unfolded"
    page.get_by_text("Scramble the pixels", exact=True).click()
    expect(page.get_by_text("nothing is lost")).to_be_visible()
    yield "scrambled"
    page.get_by_role("radio", name="Files").click()
    junk = {"name": "junk.png", "mimeType": "image/png", "buffer": b"this is no picture"}
    page.locator("input[type=file]").set_input_files(junk)  # type: ignore[arg-type]
    expect(sheet.answer).to_contain_text("No answer yet")
    yield "a failure"
    page.get_by_role("radio", name="Photo").click()
    expect(page.get_by_test_id("stCameraInput")).to_be_visible()
    yield "camera"
    page.get_by_role("radio", name="Samples").click()
    page.locator(".st-key-sample").get_by_text("7", exact=True).click()
    sheet.reads(7)
    yield "a sample"


def obstacles(page: Page) -> list[str]:
    """Return what axe-core finds that is serious or worse."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{each['id']} at {node['target']}: {node['failureSummary']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_keeps_anyone_out(open_page: OpenPage, device: dict[str, Any], theme: str) -> None:
    page = open_page(color_scheme=theme, **device)
    for state in states(page):
        page.wait_for_function("document.getAnimations().every((each) => each.playState !== 'running')")
        assert obstacles(page) == [], state
