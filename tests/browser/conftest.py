"""A browser with the page open in it, and a visit to each of the page's states."""

import os
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.chromium import Contexts, OpenPage, find_chromium, launch
from tests.browser.sheet import Sheet
from tests.browser.visit import Visit, visit
from tests.servers import Server


@pytest.fixture(scope="session")
def contexts() -> Iterator[Contexts]:
    """Yield the contexts of a headless Chromium. Without one the tests are skipped here and fail in CI."""
    with sync_playwright() as playwright:
        if find_chromium(playwright) is None:
            give_up = pytest.fail if os.environ.get("CI") else pytest.skip
            give_up("there is no Chromium: install one, or run `playwright install chromium`")
        with launch(playwright) as browser:
            yield Contexts(browser)


@pytest.fixture
def open_page(contexts: Contexts, running_page: Server) -> Iterator[OpenPage]:
    """Yield a function that opens the page, given what Playwright's `new_context` takes."""
    with contexts.watch(running_page.url) as open_page:
        yield open_page


@pytest.fixture
def sheet(open_page: OpenPage) -> Sheet:
    """Return the page, ready to be drawn on."""
    return Sheet(open_page())


@pytest.fixture(scope="session")
def visit_states(contexts: Contexts, running_page: Server) -> Callable[[str, str, str], Visit]:
    """Return a function that visits every state of the page on a device in a theme and language, once for all tests."""

    @cache
    def visit_once(device: str, theme: str, language: str) -> Visit:
        with contexts.watch(running_page.url) as open_page:
            return visit(open_page, device, theme, language)

    return visit_once
