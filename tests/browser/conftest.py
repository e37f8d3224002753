"""A browser, and a page in it that may not complain nor ask a stranger."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browser.sheet import Sheet
from tests.servers import Server

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera, for those who allow it
]

OpenPage = Callable[..., Page]


def chromium(playwright: Playwright) -> str | None:
    """Return the system's Chromium, else the one that Playwright installed, else None."""
    own = playwright.chromium.executable_path
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (own if Path(own).exists() else None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield a headless Chromium. Without one the tests are skipped here and fail in CI."""
    with sync_playwright() as playwright:
        path = chromium(playwright)
        if path is None:
            say = pytest.fail if os.environ.get("CI") else pytest.skip
            say("there is no Chromium: install one, or run `playwright install chromium`")
        with playwright.chromium.launch(executable_path=path, args=FLAGS) as browser:
            yield browser


@pytest.fixture
def open_page(browser: Browser, running_page: Server) -> Iterator[OpenPage]:
    """Yield a function that opens the page, given what Playwright's `new_context` takes.

    At the end no page may have written an error to its console or asked any host but its own.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    hosts: set[str | None] = set()

    def open_in(**context: Any) -> Page:
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).hostname))
        page.goto(running_page.url)
        return page

    yield open_in
    for context in contexts:
        context.close()
    assert complaints == []
    assert hosts <= {"127.0.0.1", None}  # None: data URLs have no host


@pytest.fixture
def sheet(open_page: OpenPage) -> Sheet:
    """Return the page, ready to be drawn on."""
    return Sheet(open_page())
