"""Numbers: when the page shows one, and how."""

import json
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.app.page.app_page import captions, draw, html_with, open_panel, shown
from tests.app.page.responses import MODELS, number, prediction, problem
from tests.pictures import encoded
from tests.servers import FakeService

SQUARE = encoded(Image.new("L", (300, 300), 255))


def show_number(page: AppTest, fake: FakeService, *lines: str, **changes: Any) -> str:
    """Draw a picture on which the service reads `lines`, and return what the page shows."""
    fake.body = prediction(**number(*lines, **changes))
    draw(page, SQUARE)
    return shown(page)


@pytest.mark.parametrize("digit_score", [0.2, 0.98])
def test_several_digits_are_a_number(page: AppTest, fake_service: FakeService, digit_score: float) -> None:
    assert ">2026</p>" in show_number(page, fake_service, "2026", digit_score=digit_score)


@pytest.mark.parametrize(("digit_score", "shown_digit"), [(0.2, ">4<i>?</i></p>"), (0.98, '<p class="digit">4</p>')])
def test_a_clear_digit_with_a_mark_beside_it_is_a_single_digit(
    page: AppTest, fake_service: FakeService, digit_score: float, shown_digit: str
) -> None:
    assert shown_digit in show_number(page, fake_service, "4?", digit_score=digit_score)


def test_each_digit_is_shown_with_its_confidence(page: AppTest, fake_service: FakeService) -> None:
    html = show_number(page, fake_service, "42")
    assert "Quite sure <span>98%</span>" in html
    assert html.index("<li><b>4</b><span>99%</span></li>") < html.index("<li><b>2</b><span>99%</span></li>")


def test_each_mark_has_a_box_on_the_picture(page: AppTest, fake_service: FakeService) -> None:
    html = show_number(page, fake_service, "4?")
    assert 'style="--width: 300; --height: 300"><img src="data:image/webp;base64,' in html
    assert '<i style="left: 0.00%; top: 0.00%; width: 13.33%; height: 26.67%"></i>' in html
    assert '<i class="other" style="left: 20.00%; top: 0.00%; width: 13.33%; height: 26.67%"></i>' in html


def test_a_picture_that_the_page_cannot_decode_has_no_boxes(page: AppTest, fake_service: FakeService) -> None:
    fake_service.body = prediction(**number("42"))
    draw(page, b"a format of a later version")
    assert ">42</p>" in shown(page)
    assert "boxes" not in shown(page)


def test_lines_and_leading_zeros_are_kept(page: AppTest, fake_service: FakeService) -> None:
    assert ">007<br>42</p>" in show_number(page, fake_service, "007", "42")


def test_what_is_not_a_digit_is_shown_and_explained(page: AppTest, fake_service: FakeService) -> None:
    html = show_number(page, fake_service, "12?34")
    assert ">12<i>?</i>34</p>" in html
    assert "A ? is something that is not a digit" in html
    assert '<li class="other"><b>?</b><span>not a digit</span></li>' in html
    assert "Quite sure" not in html


def test_many_digits_are_less_certain_than_each(page: AppTest, fake_service: FakeService) -> None:
    html = show_number(page, fake_service, "1234567890123456789012345")
    assert "Not sure of every digit <span>77%</span>" in html


def test_left_out_marks_are_reported(page: AppTest, fake_service: FakeService) -> None:
    assert "The smallest are left out." in show_number(page, fake_service, "42", truncated=True)


@pytest.mark.parametrize("marks", ["?", "??"])
def test_dots_and_dashes_are_too_little_to_read(page: AppTest, fake_service: FakeService, marks: str) -> None:
    html = show_number(page, fake_service, marks, height=24)
    assert "Too little to read" in html
    assert not page.button


def test_a_high_mark_that_is_not_a_digit_is_not_too_little(page: AppTest, fake_service: FakeService) -> None:
    assert "This doesn't look like a digit" in show_number(page, fake_service, "?", height=120)


def test_a_refused_number_is_reported(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    fake_service.status, fake_service.body = 422, problem("Too complex.", "too-complex")
    draw(page, SQUARE)
    assert "The picture takes too long to read." in shown(page)


def test_the_panels_for_single_digits_are_left_out(page: AppTest, fake_service: FakeService) -> None:
    show_number(page, fake_service, "42")
    assert [expander.label for expander in page.expander] == [
        "Look inside: how a network comes to its answer",
        "Experiment: scramble the pixels of your digit",
    ]
    fake_service.others["/api/v1/models"] = json.dumps({"models": MODELS}).encode()
    open_panel(page, "experiment")
    assert "Draw a single digit to see" in captions(page)
    assert not html_with(page, 'class="cards"')


def test_a_number_is_sent_once(page: AppTest, fake_service: FakeService) -> None:
    show_number(page, fake_service, "42")
    page.run()
    assert fake_service.paths == ["/api/v1/predict?steps=true&details=true"]
