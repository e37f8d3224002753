"""The page without a browser, and a hand that draws on it."""

import base64

import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Html

from src.settings import ROOT, get_settings

FRONT = ROOT / "src" / "app" / "front.py"


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
    [piece] = [body for body in bodies if '<section class="answer"' in body or '<section class="notice"' in body]
    return piece
