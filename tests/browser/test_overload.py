"""The page in front of a stand-in for the service, in a real browser: overload, and answers that come too soon."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests import servers
from tests.app.page.responses import PREDICTION, prediction, problem
from tests.browser.chromium import OpenPage
from tests.browser.sheet import INVITATION, Sheet
from tests.hand import DIGITS
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


def test_nothing_doubts_a_digit_while_the_pen_is_down(open_page: OpenPage, fake_service: FakeService) -> None:
    fake_service.body = prediction(digit_score=0.1)
    sheet = Sheet(open_page())
    first, second = DIGITS[4]
    sheet.stroke(first)
    sheet.press(second[0])
    doubt = sheet.answer.locator(".verdict .sure")
    expect(doubt).to_be_attached()
    expect(doubt).to_be_hidden()
    expect(sheet.answer.locator(".verdict .digit")).to_be_visible()
    sheet.move(second[1:])
    expect(doubt).to_be_hidden()
    sheet.page.mouse.up()
    expect(doubt).to_be_visible()
    expect(doubt).to_contain_text("This doesn't look like a digit")


def test_while_a_picture_is_read_no_invitation_stands_below(open_page: OpenPage, fake_service: FakeService) -> None:
    sheet = Sheet(open_page())
    fake_service.body = prediction()
    fake_service.may_answer.clear()
    sheet.draw(4)
    expect(sheet.answer.get_by_text("Reading")).to_be_visible()
    expect(sheet.answer.get_by_text(INVITATION)).to_be_hidden()
    expect(sheet.answer.get_by_role("button")).to_have_count(0)
    fake_service.may_answer.set()
    sheet.reads(4)
