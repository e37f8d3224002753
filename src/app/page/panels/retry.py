"""Asking once more after a failure: by a button, and by itself where the service says after how long."""

import time

import streamlit as st

from src.app.page.i18n import language, say

# In the browser, so that the page stays free for the pen in the meantime. A new failure brings a new number, which
# starts the clock anew; an answer takes the component away, and the clock with it.
_PRESS_LATER = """
export default function ({ parentElement, data }) {
  const said = parentElement.querySelector("p")
  const end = performance.now() + 1000 * data.seconds
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000))
    said.textContent = data.words.replace("{seconds}", left)
    if (left > 0) return
    clearInterval(clock)
    document.querySelector(".st-key-retry button")?.click()
  }
  const clock = setInterval(tick, 200)
  tick()
  return () => clearInterval(clock)
}
"""
_LOOK = "p { margin: 0; text-align: center; font-size: 0.875rem; color: var(--st-text-color); opacity: 0.75; }"


def offer(wait_s: int | None) -> None:
    """Show the button that asks again; after `wait_s` seconds it is pressed."""
    st.button(say("Try again"), key="retry")  # any press runs the fragment again
    if wait_s is None:
        return
    clock = st.components.v2.component("again", html="<p></p>", css=_LOOK, js=_PRESS_LATER)
    words = say("Asking again in {seconds} s")
    clock(key="again", data={"seconds": max(1, wait_s), "words": words, "lang": language(), "number": time.monotonic()})
