"""The history of a session: what is remembered, shown again and saved; and the note on the network."""

import json

from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Node, UnknownElement

from tests.app.page.app_page import draw, html_with, shown
from tests.app.page.responses import PREDICTION, number, prediction
from tests.pictures import encoded
from tests.servers import FakeService

INVITATION = "Draw a digit or a number"
MODEL = {"version": "0.0.1", "network": "cnn", "parameters": 6422, "test": {"accuracy": 0.9915, "pictures": 10000}}


def items(page: AppTest) -> list[dict[str, str]]:
    """Return the history, newest first."""
    assert not page.exception
    lists = [json.loads(element.proto.json) for element in page.get("bidi_component") if is_history(element)]
    return [item for data in lists for item in data["items"]]


def is_history(element: Node) -> bool:
    return isinstance(element, UnknownElement) and element.proto.component_name == "history"


def digits(page: AppTest) -> list[str]:
    """Return the labels of the history, newest first."""
    return [item["text"] for item in items(page)]


def reopen(page: AppTest, number: int) -> None:
    """Do what a click on an item does; AppTest can't click on it."""
    page.session_state["reopened"] = items(page)[number]["key"]
    page.run()


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


def test_a_click_shows_an_answer_again_until_something_else_is_drawn(page: AppTest, fake_service: FakeService) -> None:
    for digit, picture in ((2, b"a two"), (7, b"a seven")):
        predict(page, fake_service, digit, picture)
        draw(page, strokes=0)
    asked = len(fake_service.received)
    reopen(page, 1)
    assert '<p class="digit">2</p>' in shown(page)
    assert digits(page) == ["7", "2"]
    assert len(fake_service.received) == asked
    predict(page, fake_service, 5, b"a five")
    assert '<p class="digit">5</p>' in shown(page)
    draw(page, strokes=0)
    assert INVITATION in shown(page)


def test_a_number_is_shown_again_with_its_boxes(page: AppTest, fake_service: FakeService) -> None:
    fake_service.body = prediction(**number("007"))
    draw(page, encoded(Image.new("L", (200, 100))))
    draw(page, strokes=0)
    reopen(page, 0)
    assert '<div class="boxes"' in shown(page)


def test_doubtful_answers_are_marked(page: AppTest, fake_service: FakeService) -> None:
    bodies = [
        *({"confidence": 0.79}, {"digit_score": 0.4}, {"confidence": 0.8}, number("42"), number("4?")),
        number("4" * 30),  # sure of each, but not of all
    ]
    for name, body in enumerate(bodies):
        fake_service.body = prediction(**body)
        draw(page, encoded(Image.new("L", (200, 100 + name))))
        draw(page, strokes=0)
    assert digits(page)[::-1] == ["4 ?", "4 ?", "4", "42", "4? ?", "4" * 30 + " ?"]


def test_files_read_together_are_remembered_with_their_names(page: AppTest, fake_service: FakeService) -> None:
    predict(page, fake_service, 2, b"drawn")
    fake_service.body = json.dumps({"answers": [PREDICTION, number("42")]}).encode()
    page.session_state["source"] = "upload"
    page.run()
    for name in ("a.png", "b.png"):
        page.file_uploader(key="file").upload(name, name.encode(), "image/png")
    page.run()
    assert digits(page) == ["42", "4", "2"]
    assert [item["name"] for item in items(page)] == ["b.png", "a.png", ""]


def test_a_file_does_not_replace_the_drawing(page: AppTest, fake_service: FakeService) -> None:
    page.session_state["source"] = "upload"
    page.run()
    page.file_uploader(key="file").upload("a.png", b"a file", "image/png").run()
    page.session_state["source"] = "draw"
    page.run()
    predict(page, fake_service, 2, b"drawn")
    page.session_state["source"] = "upload"
    page.run()
    assert sorted(digits(page)) == ["2", "4"]


def test_the_network_is_named_with_its_accuracy(page: AppTest, fake_service: FakeService) -> None:
    fake_service.others["/api/v1/models/0.0.1"] = json.dumps(MODEL).encode()
    for picture in (b"one", b"two"):
        draw(page, picture)
        [note] = html_with(page, '<p class="model"')
        assert "Read by a convolutional network (CNN), version 0.0.1, with 6,422 weights." in note
        assert "99.2% of 10,000 test digits correct" in note
    assert fake_service.asked.count("/api/v1/models/0.0.1") == 1


def test_without_a_description_the_network_is_not_named(page: AppTest) -> None:
    draw(page)
    assert digits(page) == ["4"]
    assert html_with(page, '<p class="model"') == []
