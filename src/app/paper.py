"""The sheet that one draws on: the canvas, and the two buttons that take strokes back."""

import streamlit as st

SIDE = 320  # CSS pixels: as wide as the narrowest phones
PEN = 22  # 2 pixels wide once a digit 220 high is fitted into 20x20: what MNIST's pens left

# The canvas has both actions in a toolbar, which shows only under a mouse. These buttons press it in the browser:
# through Python, "Clear" would wait behind a slow answer and then wipe what was drawn in the meantime.
_BUTTONS = """
<div class="strokes">
  <button type="button" data-presses="Undo">Undo</button>
  <button type="button" data-presses="Reset canvas &amp; history">Clear</button>
</div>
"""
_PRESS = """
export default function ({ parentElement }) {
  const press = (event) => document
    .querySelector(".st-key-canvas [data-testid=stBidiComponentIsolated]")
    .shadowRoot.querySelector(`button[title="${event.currentTarget.dataset.presses}"]`)
    .click()
  for (const button of parentElement.querySelectorAll("button")) button.onclick = press
}
"""
_LOOK = """
.strokes { display: grid; grid-template-columns: 1fr 1fr; gap: 0.75rem; }
button {
  padding: 0.6rem 1rem; font: inherit; color: var(--st-text-color); cursor: pointer;
  background: transparent; border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
}
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""


def paper() -> bytes | None:
    """Show the sheet and return what is drawn on it, a PNG, dark on white; None while it is blank."""
    from streamlit_drawable_canvas import st_canvas  # noqa: PLC0415 - it can't be imported where no Streamlit runs

    canvas = st_canvas(
        key="canvas",
        width=SIDE,
        height=SIDE,
        stroke_width=PEN,
        stroke_color="#000000",
        background_color="#ffffff",
        return_image_data=True,
    )
    st.components.v2.component("strokes", html=_BUTTONS, css=_LOOK, js=_PRESS)(key="strokes", width=SIDE)
    # after "Clear" there still is a picture, all background: only the list of strokes tells
    strokes = (canvas.json_data or {}).get("objects")
    picture: bytes | None = canvas.image_bytes
    return picture if strokes else None
