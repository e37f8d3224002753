"""The page without a browser: what it asks and what it says."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Html

from src.settings import ROOT, get_settings
from tests.app.test_client import ANSWER, problem
from tests.servers import FakeService

FRONT = ROOT / "src" / "app" / "front.py"
INVITATION = "Draw a digit"


@pytest.fixture
def page(fake_service: FakeService, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """Yield the page in front of the stand-in, before anything is drawn."""
    fake_service.body = json.dumps(ANSWER).encode()
    monkeypatch.setenv("DIGITS_API_URL", fake_service.url)
    monkeypatch.setenv("DIGITS_API_TIMEOUT_S", "0.3")
    forget()
    yield AppTest.from_file(FRONT, default_timeout=30).run()
    forget()


def forget() -> None:
    """Let the next run of the page read its settings anew."""
    get_settings.cache_clear()
    st.cache_resource.clear()


def draw(page: AppTest, picture: bytes = b"PNG", strokes: int = 1) -> None:
    """Put into the page what the canvas sends at the end of a stroke."""
    url = "data:image/png;base64," + base64.b64encode(picture).decode()
    page.session_state["canvas"] = {"drawing": {"raw": {"objects": [{}] * strokes}, "data": url}}
    page.run()


def shown(page: AppTest) -> str:
    """Return what stands in the answer's place."""
    assert not page.exception
    bodies: list[str] = [html.body for html in page.get("html") if isinstance(html, Html)]
    [piece] = [body for body in bodies if not body.startswith("<style>")]
    return piece


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
    assert html.index('<p class="digit">4</p>') < html.index("91% sure")
    assert ANSWER["image"] in html
    assert 'class="chosen" style="--share: 0.9100"><b>4</b>' in html
    assert html.count("<li") == 10


def test_the_drawing_is_sent_as_the_canvas_gives_it(page: AppTest, fake_service: FakeService) -> None:
    draw(page, b"\x89PNG drawn")
    assert b"\r\n\r\n\x89PNG drawn\r\n--" in fake_service.received[0]


def test_one_stroke_asks_once(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    assert len(fake_service.received) == 1


@pytest.mark.parametrize(("share", "said"), [(1.0, "&gt;99% sure"), (0.994, "99% sure"), (0.004, "&lt;1% sure")])
def test_rounding_claims_no_certainty(page: AppTest, fake_service: FakeService, share: float, said: str) -> None:
    fake_service.body = json.dumps(ANSWER | {"confidence": share}).encode()
    draw(page)
    assert f">{said}<" in shown(page)


@pytest.mark.parametrize(
    ("doubt", "said"),
    [({"digit_score": 0.2}, "It hardly looks like a digit."), ({"digits_seen": 2}, "2 digits seen; only one is read.")],
)
def test_doubt_is_said(page: AppTest, fake_service: FakeService, doubt: dict[str, float], said: str) -> None:
    fake_service.body = json.dumps(ANSWER | doubt).encode()
    draw(page)
    assert said in shown(page)


def test_a_refusal_is_shown_in_the_words_of_the_service(page: AppTest, fake_service: FakeService) -> None:
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


def test_an_uploaded_picture_is_read_while_its_tab_is_open(page: AppTest, fake_service: FakeService) -> None:
    draw(page, b"PNG drawn")
    page.session_state["source"] = "Upload"
    page.run()
    assert INVITATION in shown(page)
    page.file_uploader(key="file").upload("four.png", b"PNG uploaded", "image/png").run()
    assert b"PNG uploaded" in fake_service.received[-1]
    assert '<p class="digit">4</p>' in shown(page)
    page.session_state["source"] = "Draw"
    page.run()
    assert b"PNG drawn" in fake_service.received[-1]


def test_the_page_imports_nothing_of_the_model() -> None:
    code = "import sys, src.app.front; print(*sorted(name for name in sys.modules if name.startswith('src.')))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert run.stdout.split() == [
        "src.app",
        "src.app.client",
        "src.app.front",
        "src.app.paper",
        "src.app.views",
        "src.settings",
    ]
    assert run.stderr == ""
