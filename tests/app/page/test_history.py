"""The history of a session, and the note on the network."""

import json

from streamlit.testing.v1 import AppTest

from tests.app.page.app_page import draw, html_with
from tests.app.page.responses import PREDICTION, number, prediction
from tests.servers import FakeService

MODEL = {"version": "0.0.1", "network": "cnn", "parameters": 6422, "test": {"accuracy": 0.9915, "pictures": 10000}}


def digits(page: AppTest) -> list[str]:
    """Return the digits of the history, newest first."""
    return [
        piece.partition("<")[0] for html in html_with(page, 'class="history"') for piece in html.split("<span>")[1:]
    ]


def predict(page: AppTest, fake: FakeService, digit: int, picture: bytes) -> None:
    fake.body = prediction(prediction=digit)
    draw(page, picture)


def test_a_drawing_is_remembered_with_its_last_stroke(page: AppTest, fake_service: FakeService) -> None:
    assert digits(page) == []
    predict(page, fake_service, 1, b"first stroke of a four")
    predict(page, fake_service, 4, b"a whole four")
    assert digits(page) == ["4"]
    draw(page, strokes=0)
    predict(page, fake_service, 7, b"a seven")
    assert digits(page) == ["7", "4"]


def test_a_picture_is_remembered_once(page: AppTest, fake_service: FakeService) -> None:
    for picture in (b"one", b"two", b"one"):
        predict(page, fake_service, 1, picture)
        draw(page, strokes=0)
    assert digits(page) == ["1", "1"]


def test_a_number_is_remembered_with_the_whole_picture(page: AppTest, fake_service: FakeService) -> None:
    fake_service.body = prediction(**number("007"))
    draw(page)
    assert digits(page) == ["007"]
    [html] = html_with(page, 'class="history"')
    assert f'<img src="{PREDICTION["steps"]["ink"]}" alt="" height="44" class="whole">' in html


def test_the_network_is_named_with_its_accuracy(page: AppTest, fake_service: FakeService) -> None:
    fake_service.others["/api/v1/models/0.0.1"] = json.dumps(MODEL).encode()
    for picture in (b"one", b"two"):
        draw(page, picture)
        [note] = html_with(page, '<p class="model"')
        assert "Model: cnn 0.0.1, 6,422 parameters · 99.15% of 10,000 test digits correct" in note
    assert fake_service.asked.count("/api/v1/models/0.0.1") == 1


def test_without_a_description_the_network_is_not_named(page: AppTest) -> None:
    draw(page)
    assert html_with(page, 'class="history"')
    assert html_with(page, '<p class="model"') == []
