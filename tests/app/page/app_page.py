"""The page without a browser: how a test draws on it and reads what it shows."""

import base64

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Html

from src.settings import ROOT

FRONT = ROOT / "src" / "app" / "front.py"


def draw(page: AppTest, picture: bytes = b"PNG", strokes: int = 1) -> None:
    """Put into the page what the canvas sends at the end of a stroke."""
    url = "data:image/png;base64," + base64.b64encode(picture).decode()
    page.session_state["canvas"] = {"drawing": {"raw": {"objects": [{}] * strokes}, "data": url}}
    page.run()


def open_panel(page: AppTest, key: str, **state: object) -> None:
    """Open the expander `key`, with `state` in the session, and run the page."""
    for name, value in {key: True, **state}.items():
        page.session_state[name] = value
    page.run()


def html_with(page: AppTest, mark: str) -> list[str]:
    """Return the pieces of HTML that contain `mark`."""
    assert not page.exception
    return [html.body for html in page.get("html") if isinstance(html, Html) and mark in html.body]


def shown(page: AppTest) -> str:
    """Return what stands in the answer's place."""
    [html] = html_with(page, '<section class="answer') + html_with(page, '<section class="notice')
    return html


def captions(page: AppTest) -> str:
    """Return all captions as one text."""
    assert not page.exception
    return " ".join(caption.value for caption in page.caption)
