"""Corrections sent from the page: one click, and what the page says of it."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.page.app_page import captions, draw, shown
from tests.app.page.responses import number, prediction, problem
from tests.servers import FakeService

FEEDBACK = "/api/v1/feedback"


@pytest.fixture
def asked(page: AppTest, fake_service: FakeService) -> AppTest:
    """Return the page with a four drawn, in front of a service that accepts corrections."""
    fake_service.others["/api/v1/features"] = b'{"feedback": true}'
    draw(page, b"PNG four")
    return page


def test_what_will_be_stored_is_said_first(asked: AppTest, fake_service: FakeService) -> None:
    assert "One click stores the picture, the correct digit and the answer for training" in captions(asked)
    assert fake_service.paths == ["/api/v1/predict?steps=true&details=true"]


def test_one_click_confirms_the_digit(asked: AppTest, fake_service: FakeService) -> None:
    fake_service.body = json.dumps({"digit": 4}).encode()
    asked.button[0].click().run()
    assert fake_service.paths[-1] == f"{FEEDBACK}?digit=4"
    assert b"PNG four" in fake_service.received[-1]
    assert "Thank you. Saved as 4." in captions(asked)
    assert '<p class="digit">4</p>' in shown(asked)
    assert not asked.button


def test_one_click_corrects_the_digit(asked: AppTest, fake_service: FakeService) -> None:
    fake_service.body = json.dumps({"digit": 9}).encode()
    [pills] = [group for group in asked.button_group if group.label == "Wrong, it is"]
    assert pills.options == [str(digit) for digit in range(10) if digit != 4]
    pills.select(9).run()
    assert fake_service.paths[-1] == f"{FEEDBACK}?digit=9"
    assert "Thank you. Saved as 9." in captions(asked)


def test_a_refused_correction_is_reported(asked: AppTest, fake_service: FakeService) -> None:
    fake_service.status, fake_service.body = 507, problem("No room.", "feedback-full")
    asked.button[0].click().run()
    assert "There is no room for more pictures. Nothing was saved." in captions(asked)


def test_the_next_picture_is_asked_about_again(asked: AppTest, fake_service: FakeService) -> None:
    fake_service.body = json.dumps({"digit": 4}).encode()
    asked.button[0].click().run()
    fake_service.body = prediction()
    draw(asked, b"PNG another")
    assert asked.button[0].label == "Right, it is 4"


def test_a_number_is_not_asked_about(page: AppTest, fake_service: FakeService) -> None:
    fake_service.body = prediction(**number("42"))
    fake_service.others["/api/v1/features"] = b'{"feedback": true}'
    draw(page)
    assert "Only single digits can be corrected." in captions(page)
    assert not page.button
    assert not [group for group in page.button_group if group.label == "Wrong, it is"]


def test_a_service_that_stores_nothing_is_reported(page: AppTest, fake_service: FakeService) -> None:
    fake_service.others["/api/v1/features"] = b'{"feedback": false}'
    draw(page)
    assert "Corrections are off: this service stores no pictures." in captions(page)
    assert not page.button


def test_without_features_no_correction_is_offered(page: AppTest) -> None:
    draw(page)
    assert "orrections" not in captions(page)
    assert not page.button
