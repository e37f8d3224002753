"""Teaching the service from the page: one click, and what becomes of it."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.page.app_page import draw, shown
from tests.app.page.test_client import ANSWER, problem
from tests.servers import FakeService

FEEDBACK = "/api/v1/feedback"


@pytest.fixture
def asked(page: AppTest, fake_service: FakeService) -> AppTest:
    """Return the page with a four drawn, which a service that takes corrections has read."""
    fake_service.others["/api/v1/features"] = b'{"feedback": true}'
    draw(page, b"PNG four")
    return page


def captions(page: AppTest) -> str:
    assert not page.exception
    return " ".join(each.value for each in page.caption)


def test_what_is_kept_is_said_before_anything_is(asked: AppTest, fake_service: FakeService) -> None:
    assert "One click keeps the picture, the digit you name and the answer, to learn from" in captions(asked)
    assert fake_service.paths == ["/api/v1/predict?steps=true&details=true"]


def test_right_is_one_click(asked: AppTest, fake_service: FakeService) -> None:
    fake_service.body = json.dumps({"digit": 4}).encode()
    asked.button[0].click().run()
    assert fake_service.paths[-1] == f"{FEEDBACK}?digit=4"
    assert b"PNG four" in fake_service.received[-1]
    assert "Thank you. Kept as a 4." in captions(asked)
    assert '<p class="digit">4</p>' in shown(asked)
    assert not asked.button


def test_wrong_and_which_digit_it_was_is_one_click(asked: AppTest, fake_service: FakeService) -> None:
    fake_service.body = json.dumps({"digit": 9}).encode()
    [pills] = [each for each in asked.button_group if each.label == "Wrong, it was a"]
    assert pills.options == [str(digit) for digit in range(10) if digit != 4]
    pills.select(9).run()
    assert fake_service.paths[-1] == f"{FEEDBACK}?digit=9"
    assert "Thank you. Kept as a 9." in captions(asked)


def test_what_cannot_be_kept_is_said(asked: AppTest, fake_service: FakeService) -> None:
    fake_service.status, fake_service.body = 507, problem("No room.", "feedback-full")
    asked.button[0].click().run()
    assert "There is no room for more pictures. Nothing was kept." in captions(asked)


def test_the_next_picture_is_a_new_question(asked: AppTest, fake_service: FakeService) -> None:
    fake_service.body = json.dumps({"digit": 4}).encode()
    asked.button[0].click().run()
    fake_service.body = json.dumps(ANSWER).encode()
    draw(asked, b"PNG another")
    assert asked.button[0].label == "Right, it is a 4"


def test_a_service_that_keeps_nothing_is_plainly_off(page: AppTest, fake_service: FakeService) -> None:
    fake_service.others["/api/v1/features"] = b'{"feedback": false}'
    draw(page)
    assert "Corrections are off: this service keeps no pictures." in captions(page)
    assert not page.button


def test_a_service_that_does_not_say_is_not_taught(page: AppTest) -> None:
    draw(page)
    assert "orrections" not in captions(page)
    assert not page.button
