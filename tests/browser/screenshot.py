"""Take the README's picture of the page: `python -m tests.browser.screenshot`.

Starts the real service and the real page, draws a digit and writes docs/images/page.png.
"""

import io

from PIL import Image
from playwright.sync_api import sync_playwright

from src.settings import ROOT
from tests import servers
from tests.browser.conftest import FLAGS, chromium
from tests.browser.sheet import Sheet

DIGIT = 4
SIZE = {"width": 800, "height": 900}


def main() -> None:
    """Write docs/images/page.png."""
    service = servers.service(servers.free_port())
    page = servers.page(servers.free_port(), service.url)
    with servers.running(service), servers.running(page):
        picture = Image.open(io.BytesIO(photograph(page.url)))
    # a page of few colours: a palette of 256 holds them, in a third of the size
    picture.convert("RGB").quantize(256).save(ROOT / "docs" / "images" / "page.png", optimize=True)


def photograph(url: str) -> bytes:
    """Return a PNG of the page at `url` with a digit drawn and read."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(playwright), args=FLAGS)
        tab = browser.new_page(viewport=SIZE, device_scale_factor=2)  # type: ignore[arg-type]
        tab.goto(url)
        sheet = Sheet(tab)
        sheet.draw(DIGIT)
        sheet.reads(DIGIT)
        tab.mouse.move(0, 0)
        picture = tab.screenshot()
        browser.close()
    return picture


if __name__ == "__main__":
    main()
