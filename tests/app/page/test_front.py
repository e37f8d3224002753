"""The page without a browser: what it asks and what it says."""

import json
import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from src.settings import ROOT
from tests.app.page.app_page import draw, shown
from tests.app.page.test_client import ANSWER, problem
from tests.servers import FakeService

INVITATION = "Draw a digit"


def test_an_empty_sheet_invites_and_asks_nobody(page: AppTest, fake_service: FakeService) -> None:
    assert INVITATION in shown(page)
    assert not page.button
    assert fake_service.received == []


def test_a_sheet_that_was_cleared_invites_again(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    draw(page, strokes=0)
    assert INVITATION in shown(page)
    assert len(fake_service.received) == 1


def test_a_stroke_shows_the_digit_first_then_its_confidence(page: AppTest) -> None:
    draw(page)
    html = shown(page)
    assert html.index('<p class="digit">4</p>') < html.index("Probably <span>91%</span>")
    assert ANSWER["image"] in html
    assert 'class="chosen" style="--share: 0.9100"><b>4</b>' in html
    assert html.count("--share") == 10


def test_the_drawing_is_sent_as_the_canvas_gives_it(page: AppTest, fake_service: FakeService) -> None:
    draw(page, b"\x89PNG drawn")
    assert b"\r\n\r\n\x89PNG drawn\r\n--" in fake_service.received[0]


def test_one_stroke_asks_once(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    assert len(fake_service.received) == 1


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1.0, "Almost certain <span>&gt;99%</span>"),
        (0.994, "Almost certain <span>99%</span>"),
        (0.95, "Quite sure <span>95%</span>"),
        (0.8, "Probably <span>80%</span>"),
        (0.79, "Not sure: 4 or 9 <span>79%</span>"),
        (0.004, "Not sure: 4 or 9 <span>&lt;1%</span>"),
    ],
)
def test_confidence_is_said_in_words_and_rounding_claims_no_certainty(
    page: AppTest, fake_service: FakeService, share: float, said: str
) -> None:
    shares = [0.0] * 4 + [0.5] + [0.0] * 4 + [0.4]
    fake_service.body = json.dumps(ANSWER | {"confidence": share, "probabilities": shares}).encode()
    draw(page)
    assert f">{said}<" in shown(page)


@pytest.mark.parametrize(
    ("doubt", "said"),
    [({"digit_score": 0.2}, "This doesn't look like a digit"), ({"digits_seen": 2}, "2 digits side by side")],
)
def test_doubt_takes_the_place_of_confidence(
    page: AppTest, fake_service: FakeService, doubt: dict[str, float], said: str
) -> None:
    fake_service.body = json.dumps(ANSWER | doubt).encode()
    draw(page)
    assert said in shown(page)
    assert '<p class="digit unlikely">4</p>' in shown(page)
    assert "Probably" not in shown(page)


def test_the_way_to_what_the_model_saw_is_shown_in_order(page: AppTest) -> None:
    draw(page)
    _, _, way = shown(page).partition('<ol class="way"')
    places = [way.index(words) for words in ("Ink found", "Cut out", "Fitted into 20x20", "Centred by its mass")]
    assert places == sorted(places)


def test_steps_that_were_not_taken_are_left_out(page: AppTest, fake_service: FakeService) -> None:
    steps = ANSWER["steps"] | {"crop": None, "box": None}
    fake_service.body = json.dumps(ANSWER | {"steps": steps}).encode()
    draw(page)
    assert "Ink found" in shown(page)
    assert "Cut out" not in shown(page)


def test_a_blank_picture_is_no_failure(page: AppTest, fake_service: FakeService) -> None:
    fake_service.status, fake_service.body = 422, problem("Blank.", "blank-picture")
    draw(page)
    assert "Nothing drawn yet" in shown(page)
    assert "No answer yet" not in shown(page)
    assert not page.button


def test_a_drawing_that_was_read_is_not_sent_again(page: AppTest, fake_service: FakeService) -> None:
    for picture in (b"PNG one", b"PNG two", b"PNG one"):
        draw(page, picture)
    assert len(fake_service.received) == 2


def test_a_refusal_that_the_page_does_not_know_is_shown_in_the_words_of_the_service(
    page: AppTest, fake_service: FakeService
) -> None:
    fake_service.status, fake_service.body = 422, problem("Nothing <b>dark</b> enough. Press harder.")
    draw(page)
    assert "Nothing &lt;b&gt;dark&lt;/b&gt; enough. Press harder." in shown(page)


def test_a_slow_service_is_said(page: AppTest, fake_service: FakeService) -> None:
    fake_service.may_answer.clear()
    draw(page)
    assert "too long" in shown(page)


def test_trying_again_sends_the_same_drawing(page: AppTest, fake_service: FakeService) -> None:
    fake_service.hangs_up = True
    draw(page, b"PNG kept")
    assert "The reader can&#x27;t be reached right now." in shown(page)
    fake_service.hangs_up = False
    page.button(key="retry").click().run()
    assert '<p class="digit">4</p>' in shown(page)
    assert b"PNG kept" in fake_service.received[-1]
    assert not page.button


def test_an_uploaded_picture_is_read_while_it_is_open(page: AppTest, fake_service: FakeService) -> None:
    draw(page, b"PNG drawn")
    page.session_state["source"] = "upload"
    page.run()
    assert INVITATION in shown(page)
    fake_service.body = json.dumps(ANSWER | {"prediction": 7}).encode()
    page.file_uploader(key="file").upload("seven.png", b"PNG uploaded", "image/png").run()
    assert b"PNG uploaded" in fake_service.received[-1]
    assert '<p class="digit">7</p>' in shown(page)
    page.session_state["source"] = "draw"
    page.run()
    assert '<p class="digit">4</p>' in shown(page)


def test_the_page_imports_nothing_of_the_model() -> None:
    code = "import sys, src.app.front; print(*sorted(name for name in sys.modules if name.startswith('src.')))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert "src.app.page.client" in run.stdout
    assert not [name for name in run.stdout.split() if name.startswith("src.model")]
    assert run.stderr == ""
