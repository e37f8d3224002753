"""The page without a browser: what it sends and what it shows."""

import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from src.settings import ROOT
from tests.app.page.app_page import draw, shown
from tests.app.page.responses import PREDICTION, number, prediction, problem
from tests.servers import FakeService

INVITATION = "Draw a digit or a number"


def test_a_blank_canvas_invites_and_sends_nothing(page: AppTest, fake_service: FakeService) -> None:
    assert INVITATION in shown(page)
    assert fake_service.received == []


def test_before_the_first_stroke_samples_are_offered(page: AppTest, fake_service: FakeService) -> None:
    assert [button.label for button in page.button] == ["Try a 2", "Try a 5", "Try a 8"]
    page.button(key="try-5").click().run()
    assert page.session_state["source"] == "samples"
    assert (ROOT / "data" / "samples" / "5_drawn.png").read_bytes() in fake_service.received[-1]
    page.session_state["source"] = "draw"
    page.run()
    draw(page)
    assert not page.button


@pytest.mark.parametrize(
    ("source", "headline"),
    [
        ("draw", INVITATION),
        ("upload", "Choose a picture of a digit or a number"),
        ("camera", "Take a photo of a digit or a number"),
        ("samples", "Choose a digit to try"),
    ],
)
def test_each_source_has_its_own_invitation(page: AppTest, source: str, headline: str) -> None:
    page.session_state["source"] = source
    page.run()
    assert f'<p class="headline">{headline}</p>' in shown(page)


def test_without_a_camera_an_upload_is_offered_instead(page: AppTest) -> None:
    page.session_state["browser"] = {"refused": [], "camera": False}
    page.session_state["source"] = "camera"
    page.run()
    assert "There is no camera here" in shown(page)
    assert not page.get("camera_input")
    page.button(key="instead").click().run()
    assert "Choose a picture" in shown(page)


def test_a_cleared_canvas_invites_again(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    draw(page, strokes=0)
    assert INVITATION in shown(page)
    assert len(fake_service.received) == 1


def test_a_stroke_shows_the_digit_then_its_confidence(page: AppTest) -> None:
    draw(page)
    html = shown(page)
    assert html.index('<p class="digit">4</p>') < html.index("Probably <span>91%</span>")
    assert PREDICTION["image"] in html
    assert 'class="chosen" style="--share: 0.9100"><b>4</b>' in html
    assert html.count("--share") == 10


def test_the_drawing_is_sent_as_the_canvas_gives_it(page: AppTest, fake_service: FakeService) -> None:
    draw(page, b"\x89PNG drawn")
    assert b"\r\n\r\n\x89PNG drawn\r\n--" in fake_service.received[0]


def test_one_stroke_sends_one_request(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    assert len(fake_service.received) == 1


@pytest.mark.parametrize(
    ("confidence", "text"),
    [
        (1.0, "Almost certain <span>&gt;99%</span>"),
        (0.994, "Almost certain <span>99%</span>"),
        (0.9899, "Quite sure <span>98%</span>"),
        (0.95, "Quite sure <span>95%</span>"),
        (0.8, "Probably <span>80%</span>"),
        (0.79, "Not sure: 4 or 9 <span>79%</span>"),
        (0.004, "Not sure: 4 or 9 <span>&lt;1%</span>"),
    ],
)
def test_confidence_is_worded_and_never_rounded_to_certainty(
    page: AppTest, fake_service: FakeService, confidence: float, text: str
) -> None:
    shares = [0.0] * 4 + [0.5] + [0.0] * 4 + [0.4]
    fake_service.body = prediction(confidence=confidence, probabilities=shares)
    draw(page)
    assert f">{text}<" in shown(page)


@pytest.mark.parametrize("marks", ["?", "??"])
def test_a_picture_without_a_digit_shows_no_confidence(page: AppTest, fake_service: FakeService, marks: str) -> None:
    fake_service.body = prediction(**number(marks))
    draw(page)
    assert "This doesn't look like a digit" in shown(page)
    assert '<p class="digit unlikely">4</p>' in shown(page)
    assert "Probably" not in shown(page)


def test_the_steps_are_shown_in_order(page: AppTest) -> None:
    draw(page)
    _, _, steps = shown(page).partition('<ol class="way"')
    places = [steps.index(text) for text in ("Ink found", "Cropped", "Fitted into 20x20", "Centred by mass")]
    assert places == sorted(places)


def test_skipped_steps_are_left_out(page: AppTest, fake_service: FakeService) -> None:
    steps = PREDICTION["steps"] | {"crop": None, "box": None}
    fake_service.body = prediction(steps=steps)
    draw(page)
    assert "Ink found" in shown(page)
    assert "Cropped" not in shown(page)


@pytest.mark.parametrize(
    ("name", "headline"), [("blank-picture", "Nothing drawn yet"), ("too-little-ink", "Too little to read")]
)
def test_too_little_on_the_picture_is_not_a_failure(
    page: AppTest, fake_service: FakeService, name: str, headline: str
) -> None:
    fake_service.status, fake_service.body = 422, problem("Nothing to read.", name)
    draw(page)
    assert headline in shown(page)
    assert "No answer yet" not in shown(page)
    assert not page.button


def test_a_drawing_is_sent_once(page: AppTest, fake_service: FakeService) -> None:
    for picture in (b"PNG one", b"PNG two", b"PNG one"):
        draw(page, picture)
    assert len(fake_service.received) == 2


def test_an_unknown_problem_is_shown_with_its_detail_escaped(page: AppTest, fake_service: FakeService) -> None:
    fake_service.status, fake_service.body = 422, problem("Nothing <b>dark</b> enough. Press harder.")
    draw(page)
    assert "Nothing &lt;b&gt;dark&lt;/b&gt; enough. Press harder." in shown(page)


def test_a_timeout_is_shown(page: AppTest, fake_service: FakeService) -> None:
    fake_service.may_answer.clear()
    draw(page)
    assert "too long" in shown(page)


def test_try_again_sends_the_same_drawing(page: AppTest, fake_service: FakeService) -> None:
    fake_service.hangs_up = True
    draw(page, b"PNG kept")
    assert "The service can&#x27;t be reached right now." in shown(page)
    fake_service.hangs_up = False
    page.button(key="retry").click().run()
    assert '<p class="digit">4</p>' in shown(page)
    assert b"PNG kept" in fake_service.received[-1]
    assert not page.button


def test_an_uploaded_picture_is_predicted_and_the_drawing_kept(page: AppTest, fake_service: FakeService) -> None:
    draw(page, b"PNG drawn")
    page.session_state["source"] = "upload"
    page.run()
    assert "Choose a picture" in shown(page)
    fake_service.body = prediction(prediction=7)
    page.file_uploader(key="file").upload("seven.png", b"PNG uploaded", "image/png").run()
    assert b"PNG uploaded" in fake_service.received[-1]
    assert '<p class="digit">7</p>' in shown(page)
    page.session_state["source"] = "draw"
    page.run()
    assert '<p class="digit">4</p>' in shown(page)


def test_the_page_imports_no_model_code() -> None:
    code = "import sys, src.app.front; print(*sorted(name for name in sys.modules if name.startswith('src.')))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert "src.app.page.client" in run.stdout
    assert not [name for name in run.stdout.split() if name.startswith("src.model")]
    assert run.stderr == ""
