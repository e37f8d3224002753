"""The page in front of an overloaded service, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests import servers
from tests.app.page.responses import PREDICTION, prediction, problem
from tests.browser.chromium import OpenPage
from tests.browser.sheet import Sheet
from tests.servers import FakeService, Server

pytestmark = pytest.mark.browser


@pytest.fixture
def running_page(fake_service: FakeService) -> Iterator[Server]:
    """Yield the real page in front of the stand-in."""
    with servers.running(servers.page(servers.free_port(), fake_service.url)) as server:
        yield server


def test_an_overloaded_service_is_asked_again_automatically_and_the_drawing_stays(
    open_page: OpenPage, fake_service: FakeService
) -> None:
    sheet = Sheet(open_page())
    fake_service.status, fake_service.body = 503, problem("Busy.", "too-busy")
    fake_service.headers["Retry-After"] = "1"
    sheet.draw(7)
    expect(sheet.answer).to_contain_text("The service is busy.")
    expect(sheet.page.get_by_text(re.compile(r"Trying again in \d s"))).to_be_visible()
    ink = sheet.ink()
    asked = len(fake_service.received)
    fake_service.status, fake_service.body = 200, prediction()
    sheet.reads(PREDICTION["prediction"])  # without a click
    assert len(fake_service.received) > asked
    assert sheet.ink() == ink
