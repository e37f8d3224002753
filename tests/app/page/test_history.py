"""What the page keeps of a session, and what it says of the network."""

import json

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Html

from tests.app.page.app_page import draw
from tests.app.page.test_client import ANSWER
from tests.servers import FakeService

MODEL = {"version": "0.0.1", "network": "cnn", "parameters": 6422, "test": {"accuracy": 0.9915, "pictures": 10000}}


def digits(page: AppTest) -> list[str]:
    """Return the digits of the history, newest first."""
    assert not page.exception
    [*bodies] = [each.body for each in page.get("html") if isinstance(each, Html) and 'class="history"' in each.body]
    return [piece.partition("<")[0] for body in bodies for piece in body.split("<span>")[1:]]


def notes(page: AppTest) -> str:
    """Return what is said of the network."""
    assert not page.exception
    return "".join(each.body for each in page.get("html") if isinstance(each, Html) and '<p class="model"' in each.body)


def read(page: AppTest, fake: FakeService, digit: int, picture: bytes) -> None:
    fake.body = json.dumps(ANSWER | {"prediction": digit}).encode()
    draw(page, picture)


def test_each_drawing_is_remembered_as_it_was_when_it_ended(page: AppTest, fake_service: FakeService) -> None:
    assert digits(page) == []
    read(page, fake_service, 1, b"first stroke of a four")
    read(page, fake_service, 4, b"a whole four")
    assert digits(page) == ["4"]
    draw(page, strokes=0)
    read(page, fake_service, 7, b"a seven")
    assert digits(page) == ["7", "4"]


def test_a_picture_is_remembered_once(page: AppTest, fake_service: FakeService) -> None:
    for picture in (b"one", b"two", b"one"):
        read(page, fake_service, 1, picture)
        draw(page, strokes=0)
    assert digits(page) == ["1", "1"]


def test_the_network_and_its_measured_figures_stand_at_the_foot(page: AppTest, fake_service: FakeService) -> None:
    fake_service.others["/api/v1/models/0.0.1"] = json.dumps(MODEL).encode()
    for picture in (b"one", b"two"):
        draw(page, picture)
        assert "Read by cnn 0.0.1, 6,422 parameters. 99.15% of 10,000 test digits read right." in notes(page)
    assert fake_service.asked.count("/api/v1/models/0.0.1") == 1


def test_without_figures_the_answer_stands_alone(page: AppTest) -> None:
    draw(page)
    assert notes(page) == ""
