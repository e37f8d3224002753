"""Take the pictures of the page: `python -m tools.screenshots` (`make screenshots`).

Starts the real service and the real page, and writes what the README shows, docs/images/drawing.webp (a digit being
drawn and read) and docs/images/experiment.webp, and what the tests compare the page with, tests/browser/screens.
"""

import io
from collections.abc import Iterator
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from src.settings import ROOT
from tests import servers
from tests.browser import screens
from tests.browser.conftest import FLAGS, chromium
from tests.browser.sheet import Sheet
from tests.browser.states import DEVICES, THEMES, states
from tests.hand import DIGITS

IMAGES: Final = ROOT / "docs" / "images"
WINDOW: Final[dict[str, Any]] = {"viewport": {"width": 800, "height": 700}}
DIGIT: Final = 4
AT_ONCE: Final = 1  # points of a stroke between two frames
FRAME_MS: Final = 40
PAUSE_MS: Final = 900  # after a stroke
END_MS: Final = 3000


def main() -> None:
    """Take them all."""
    service = servers.service(servers.free_port())
    page = servers.page(servers.free_port(), service.url)
    with servers.running(service), servers.running(page), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(playwright), args=FLAGS)
        take_drawing(opened(browser, page.url, **WINDOW))
        take_experiment(opened(browser, page.url, device_scale_factor=2, **WINDOW))
        for theme in THEMES:
            for device, context in DEVICES.items():
                take_states(opened(browser, page.url, color_scheme=theme, **context), device, theme)
        browser.close()


def opened(browser: Browser, url: str, **context: Any) -> Page:
    """Return the page in a tab of its own."""
    tab = browser.new_context(**context).new_page()
    tab.goto(url)
    return tab


def take_drawing(tab: Page) -> None:
    """Write an animation of a digit being drawn and read."""
    frames, times = zip(*drawn(tab), strict=True)
    first, *others = frames
    path = IMAGES / "drawing.webp"
    first.save(path, "WEBP", save_all=True, append_images=others, duration=list(times), loop=0, quality=70, method=6)


def drawn(tab: Page) -> Iterator[tuple[Image.Image, int]]:
    """Draw a digit, and yield what is seen and for how many milliseconds."""
    sheet = Sheet(tab)
    yield seen(tab), PAUSE_MS
    for stroke in DIGITS[DIGIT]:
        before = sheet.answer.inner_html()
        sheet.press(stroke[0])
        for start in range(1, len(stroke), AT_ONCE):
            sheet.move(stroke[start : start + AT_ONCE])
            yield seen(tab), FRAME_MS
        tab.mouse.up()
        tab.wait_for_function(
            "before => document.querySelector('.st-key-answer').innerHTML !== before"
            " && document.querySelector('.seen img')?.complete",
            arg=before,
        )
        tab.wait_for_function("document.querySelector('[data-testid=stSpinner]') === null")
        yield seen(tab), PAUSE_MS
    sheet.reads(DIGIT)
    yield seen(tab), END_MS


def seen(tab: Page) -> Image.Image:
    """Return what is in the window."""
    return Image.open(io.BytesIO(tab.screenshot())).convert("RGB")


def take_experiment(tab: Page) -> None:
    """Write a picture of what the networks read in a digit whose pixels are scrambled."""
    for state in states(tab):
        if state == "scrambled":
            picture = tab.locator(".st-key-experiment").screenshot()
            Image.open(io.BytesIO(picture)).convert("RGB").save(IMAGES / "experiment.webp", quality=70, method=6)
            return


def take_states(tab: Page, device: str, theme: str) -> None:
    """Write the pictures that the tests compare with."""
    for state in states(tab):
        if state in screens.STATES:
            screens.save(screens.photograph(tab), screens.COMMITTED / screens.file_name(state, device, theme))


if __name__ == "__main__":
    main()
