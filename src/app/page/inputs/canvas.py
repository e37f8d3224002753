"""The canvas that a visitor draws on, with its buttons Undo, Redo and Clear; canvas.js says what they do."""

from pathlib import Path

import streamlit as st

from src.app.page.i18n import get_language, translate

SIDE = 320  # CSS pixels: the width of the narrowest phones
PEN_WIDTH = 22  # 2 pixels once a digit 220 high is scaled to 20x20: the stroke width of MNIST

_SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")
_STYLE = """
.strokes { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.75rem; }
button {
  padding: 0.6rem 0; font: inherit; color: var(--st-text-color); cursor: pointer;
  background: transparent; border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
}
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""


def draw_canvas(wide: bool) -> bytes | None:
    """Show the canvas and return the drawing, a PNG, dark on white; None while it is blank.

    It is as high as wide, or three times as wide if `wide`.
    """
    from streamlit_drawable_canvas import st_canvas  # noqa: PLC0415 - its import fails outside a running Streamlit

    width = 3 * SIDE if wide else SIDE
    canvas = st_canvas(
        key="canvas",
        width=width,
        height=SIDE,
        stroke_width=PEN_WIDTH,
        stroke_color="#000000",
        background_color="#ffffff",
        return_image_data=True,
    )
    actions = {
        "undo": (translate("Undo"), "Control+Z"),
        "redo": (translate("Redo"), "Control+Y"),
        "clear": (translate("Clear"), "Delete"),
    }
    buttons = [
        f'<button type="button" data-action="{action}" aria-keyshortcuts="{keys}">{text}</button>'
        for action, (text, keys) in actions.items()
    ]
    html = f'<div class="strokes" lang="{get_language()}">{"".join(buttons)}</div>'
    # one name per language, as all visitors share what is registered under a name
    component = st.components.v2.component(f"strokes-{get_language()}", html=html, css=_STYLE, js=_SCRIPT)
    component(key="strokes", width=SIDE, data={"width": width})
    # after "Clear" there still is a picture, all background: only the list of strokes is empty
    strokes = (canvas.json_data or {}).get("objects")
    picture: bytes | None = canvas.image_bytes
    return picture if strokes else None
