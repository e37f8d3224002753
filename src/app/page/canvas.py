"""The canvas that a visitor draws on, with its buttons Undo, Redo and Clear."""

import streamlit as st

from src.app.page.i18n import get_language, translate

SIDE = 320  # CSS pixels: the width of the narrowest phones
PEN_WIDTH = 22  # 2 pixels once a digit 220 high is scaled to 20x20: the stroke width of MNIST

# The canvas component offers Undo, Redo and Clear in a toolbar that shows only under a mouse. These buttons press it
# in the browser. Through Python, "Clear" would wait behind a slow answer and then erase what was drawn meanwhile.
# The end of a stroke presses the toolbar's "Update", too: by itself the canvas waits 200 ms before it sends a drawing.
_SCRIPT = """
const UPDATE = "Update the app with this drawing"
export default function ({ parentElement, data }) {
  const canvas = () => document.querySelector(".st-key-canvas [data-testid=stBidiComponentIsolated]")?.shadowRoot
  const listeners = new AbortController()
  const { signal } = listeners
  const press = (title) => canvas()?.querySelector(`button[title="${title}"]`)?.click()
  for (const button of parentElement.querySelectorAll("button")) {
    button.onclick = () => press(button.dataset.presses)
  }
  // A drawing on paper that is widened or narrowed is another picture: it is sent once the canvas has the new width.
  const { dataset } = parentElement.querySelector(".strokes")
  const sendResized = () => {
    if (signal.aborted) return
    if (canvas()?.querySelector("canvas.upper-canvas")?.width === data.width) press(UPDATE)
    else requestAnimationFrame(sendResized)
  }
  if (Number(dataset.width ?? data.width) !== data.width) sendResized()
  dataset.width = data.width
  let drawing = false
  const begin = (event) => { drawing = event.composedPath()[0] === canvas()?.querySelector("canvas.upper-canvas") }
  const end = (event) => {
    if (!drawing || event.touches?.length) return
    drawing = false
    press(UPDATE)
  }
  for (const kind of ["mousedown", "touchstart"]) addEventListener(kind, begin, { signal, capture: true })
  // On the window, which is reached after the document, where the canvas listens: it has the stroke by then.
  for (const kind of ["mouseup", "touchend"]) addEventListener(kind, end, { signal })
  return () => listeners.abort()
}
"""
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
    presses = {
        "Undo": translate("Undo"),
        "Redo": translate("Redo"),
        "Reset canvas &amp; history": translate("Clear"),
    }
    buttons = [f'<button type="button" data-presses="{title}">{text}</button>' for title, text in presses.items()]
    html = f'<div class="strokes" lang="{get_language()}">{"".join(buttons)}</div>'
    # one name per language, as all visitors share what is registered under a name
    component = st.components.v2.component(f"strokes-{get_language()}", html=html, css=_STYLE, js=_SCRIPT)
    component(key="strokes", width=SIDE, data={"width": width})
    # after "Clear" there still is a picture, all background: only the list of strokes is empty
    strokes = (canvas.json_data or {}).get("objects")
    picture: bytes | None = canvas.image_bytes
    return picture if strokes else None
