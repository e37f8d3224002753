"""The sheet that one draws on: the canvas, and the buttons that take strokes back."""

import streamlit as st

from src.app.page.i18n import language, say

SIDE = 320  # CSS pixels: as wide as the narrowest phones
PEN = 22  # 2 pixels wide once a digit 220 high is fitted into 20x20: what MNIST's pens left

# The canvas has these actions in a toolbar, which shows only under a mouse. These buttons press it in the browser:
# through Python, "Clear" would wait behind a slow answer and then wipe what was drawn in the meantime. The end of a
# stroke presses it, too: by itself the canvas waits 200 ms for another stroke before it sends the drawing.
_PRESS = """
export default function ({ parentElement }) {
  const canvas = () => document.querySelector(".st-key-canvas [data-testid=stBidiComponentIsolated]")?.shadowRoot
  const press = (title) => canvas()?.querySelector(`button[title="${title}"]`)?.click()
  for (const button of parentElement.querySelectorAll("button")) {
    button.onclick = () => press(button.dataset.presses)
  }
  let drawing = false
  const begin = (event) => { drawing = event.composedPath()[0] === canvas()?.querySelector("canvas.upper-canvas") }
  const end = (event) => {
    if (!drawing || event.touches?.length) return
    drawing = false
    press("Update the app with this drawing")
  }
  const listeners = new AbortController()
  const { signal } = listeners
  for (const kind of ["mousedown", "touchstart"]) addEventListener(kind, begin, { signal, capture: true })
  // on the window: the canvas listens on the document, and has taken the stroke by then
  for (const kind of ["mouseup", "touchend"]) addEventListener(kind, end, { signal })
  return () => listeners.abort()
}
"""
_LOOK = """
.strokes { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.75rem; }
button {
  padding: 0.6rem 0; font: inherit; color: var(--st-text-color); cursor: pointer;
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
    # a name for each language: what is registered under a name holds for all visitors
    buttons = st.components.v2.component(f"strokes-{language()}", html=_buttons(), css=_LOOK, js=_PRESS)
    buttons(key="strokes", width=SIDE)
    # after "Clear" there still is a picture, all background: only the list of strokes tells
    strokes = (canvas.json_data or {}).get("objects")
    picture: bytes | None = canvas.image_bytes
    return picture if strokes else None


def _buttons() -> str:
    presses = {"Undo": say("Undo"), "Redo": say("Redo"), "Reset canvas &amp; history": say("Clear")}
    buttons = [f'<button type="button" data-presses="{what}">{words}</button>' for what, words in presses.items()]
    return f'<div class="strokes" lang="{language()}">{"".join(buttons)}</div>'
