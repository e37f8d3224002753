"""Chromium, and pages in it that must not log an error nor contact another host."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera, for contexts with permission
]

EXPECT_MS = 30_000

OpenPage = Callable[..., Page]  # takes the options of Playwright's `new_context`


WAIT_UNTIL = """async (argument) => {
  const deadline = performance.now() + 30_000
  while (!(%s)(argument)) {
    if (performance.now() > deadline) throw new Error("waited for 30 s")
    await new Promise(requestAnimationFrame)
  }
}"""


def wait_until(page: Page, condition: str, argument: object = None) -> None:
    """Wait until a JavaScript function returns true.

    Playwright's `wait_for_function` needs `eval`, which the page's content security policy forbids.
    """
    page.evaluate(WAIT_UNTIL % condition, argument)


def find_chromium(playwright: Playwright) -> str | None:
    """Return the path of the system's Chromium, else of Playwright's own, else None."""
    own = playwright.chromium.executable_path
    system = next(filter(None, map(shutil.which, NAMES)), None)
    return system or (own if Path(own).exists() else None)


def launch(playwright: Playwright) -> Browser:
    """Start a headless Chromium, and allow pages as long as a busy machine needs."""
    expect.set_options(timeout=EXPECT_MS)
    return playwright.chromium.launch(executable_path=find_chromium(playwright), args=FLAGS)


class Contexts:
    """Browser contexts by their options. Pages that share one load Streamlit's files from its cache."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: dict[str, BrowserContext] = {}

    @contextmanager
    def watch(self, url: str) -> Iterator[OpenPage]:
        """Yield a function that opens the page at `url` in a context with the options it is given.

        Afterwards the pages are closed, and what they stored is deleted. Raises AssertionError if one of them logged
        an error or contacted a host other than this machine.
        """
        pages: list[Page] = []
        errors: list[str] = []
        hosts: set[str | None] = set()

        def open_page(**options: Any) -> Page:
            page = self._get(options).new_page()
            pages.append(page)
            page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
            page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).hostname))
            page.goto(url)
            return page

        try:
            yield open_page
        finally:
            for page in pages:
                page.evaluate("localStorage.clear(); sessionStorage.clear()")
                page.context.clear_cookies()
                page.close()
        assert errors == [], errors
        assert hosts <= {"127.0.0.1", None}  # None: data URLs have no host

    def _get(self, options: dict[str, Any]) -> BrowserContext:
        key = json.dumps(options, sort_keys=True)
        if key not in self._contexts:
            self._contexts[key] = self._browser.new_context(**options)
        return self._contexts[key]
