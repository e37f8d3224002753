"""Take the pictures of the page: `make screenshots`, or `python -m tools.screenshots`.

Starts the real service and the real page in Chromium, and writes

    docs/images/drawing.webp      for the README: a digit is drawn and predicted, then the CNN is looked into
    docs/images/experiment.webp   for docs/experiments.md: the experiment with scrambled pixels
    docs/images/worksheet.webp    for docs/deploy.md: the worksheet of the experiment
    tests/browser/screens/        what the tests compare the page with
"""

import io
from collections.abc import Iterator
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from src.settings import ROOT
from tests import servers
from tests.browser import screens
from tests.browser.chromium import launch, wait_until
from tests.browser.sheet import Sheet
from tests.browser.states import DEVICES, LOOKS, states
from tests.hand import DIGITS

IMAGES: Final = ROOT / "docs" / "images"
WINDOW: Final[dict[str, Any]] = {"viewport": {"width": 800, "height": 700}}
DIGIT: Final = 4
FRAME_MS: Final = 40  # one for each point of a stroke
PAUSE_MS: Final = 900  # after a stroke
PIXEL_MS: Final = 400
END_MS: Final = 3000
PIXELS: Final = tuple((40 + 6 * number, 30 + 6 * number) for number in range(6))  # of the first map of the convolution


def main() -> None:
    """Take all pictures."""
    service = servers.service(servers.free_port())
    page = servers.page(servers.free_port(), service.url)
    with servers.running(service), servers.running(page), sync_playwright() as playwright:
        browser = launch(playwright)
        take_drawing(open_tab(browser, page.url, **WINDOW))
        take_experiment(open_tab(browser, page.url, device_scale_factor=2, **WINDOW))
        worksheet = open_tab(browser, f"{page.url}/worksheet", device_scale_factor=2, **WINDOW)
        save_piece(worksheet, "body", "worksheet.webp")
        for device, theme, language in LOOKS:
            tab = open_tab(browser, page.url, color_scheme=theme, locale=language, **DEVICES[device])
            take_states(tab, device, theme, language)
            tab.context.close()
        browser.close()


def open_tab(browser: Browser, url: str, **options: Any) -> Page:
    """Open the page in a context of its own."""
    tab = browser.new_context(**options).new_page()
    tab.goto(url)
    return tab


def take_drawing(tab: Page) -> None:
    """Write an animation of a digit that is drawn and predicted, and of a look inside the CNN."""
    frames, times = zip(*draw_frames(tab), *look_inside(tab), strict=True)
    first, *others = frames
    path = IMAGES / "drawing.webp"
    first.save(path, "WEBP", save_all=True, append_images=others, duration=list(times), loop=0, quality=70, method=6)


def draw_frames(tab: Page) -> Iterator[tuple[Image.Image, int]]:
    """Draw a digit, and yield each frame and for how many milliseconds it is shown."""
    sheet = Sheet(tab)
    yield capture(tab), PAUSE_MS
    for stroke in DIGITS[DIGIT]:
        before = sheet.answer.inner_html()
        sheet.press(stroke[0])
        for point in stroke[1:]:
            sheet.move([point])
            yield capture(tab), FRAME_MS
        tab.mouse.up()
        wait_until(
            tab,
            "before => document.querySelector('.st-key-answer').innerHTML !== before"
            " && document.querySelector('.seen img')?.complete",
            before,
        )
        wait_until(tab, "() => document.querySelector('[data-testid=stSpinner]') === null")
        yield capture(tab), PAUSE_MS
    sheet.reads(DIGIT)
    yield capture(tab), END_MS


def look_inside(tab: Page) -> Iterator[tuple[Image.Image, int]]:
    """Open the look inside, point at pixels of the first convolution, and yield each frame and its milliseconds."""
    tab.locator(".st-key-inside summary").click()
    cnn = tab.locator(".st-key-network-cnn .network")
    expect(cnn.locator("h4")).to_be_visible()
    cnn.evaluate("network => network.scrollIntoView({ block: 'start' })")
    yield capture(tab), PAUSE_MS
    for x, y in PIXELS:
        cnn.locator("canvas").nth(1).hover(position={"x": x, "y": y})
        yield capture(tab), PIXEL_MS
    yield capture(tab), END_MS


def capture(tab: Page) -> Image.Image:
    """Return a picture of the window."""
    return Image.open(io.BytesIO(tab.screenshot())).convert("RGB")


def take_experiment(tab: Page) -> None:
    """Write a picture of the experiment with scrambled pixels."""
    for state in states(tab):
        if state == "scrambled":
            screens.make_high_enough(tab)
            save_piece(tab, ".st-key-experiment", "experiment.webp")
            return


def save_piece(tab: Page, selector: str, name: str) -> None:
    """Write a picture of an element for the documents."""
    picture = tab.locator(selector).screenshot()
    Image.open(io.BytesIO(picture)).convert("RGB").save(IMAGES / name, quality=70, method=6)


def take_states(tab: Page, device: str, theme: str, language: str) -> None:
    """Write the pictures that the tests compare the page with."""
    for state in states(tab, language):
        if state in screens.STATES:
            name = screens.file_name(state, device, theme, language)
            screens.save(screens.photograph(tab), screens.COMMITTED / name)


if __name__ == "__main__":
    main()
