"""Another try after a failure: by a button, and automatically if the service says after how long."""

import time

import streamlit as st

from src.app.page.i18n import get_language, translate

# The countdown runs in the browser, so that the page stays free for drawing. A new failure sends a new number, which
# restarts the countdown. An answer removes the component, and with it the countdown.
_SCRIPT = """
export default function ({ parentElement, data }) {
  const text = parentElement.querySelector("p")
  const end = performance.now() + 1000 * data.seconds
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000))
    text.textContent = data.text.replace("{seconds}", left)
    if (left > 0) return
    clearInterval(clock)
    document.querySelector(".st-key-retry button")?.click()
  }
  const clock = setInterval(tick, 200)
  tick()
  return () => clearInterval(clock)
}
"""
_STYLE = "p { margin: 0; text-align: center; font-size: 0.875rem; color: var(--st-text-color); opacity: 0.75; }"


def offer_retry(wait_s: int | None) -> None:
    """Show a button that asks again; it is pressed automatically after `wait_s` seconds unless that is None."""
    st.button(translate("Try again"), key="retry")  # pressing any button reruns the fragment
    if wait_s is None:
        return
    countdown = st.components.v2.component("again", html="<p></p>", css=_STYLE, js=_SCRIPT)
    text = translate("Trying again in {seconds} s")
    countdown(
        key="again",
        data={"seconds": max(1, wait_s), "text": text, "lang": get_language(), "number": time.monotonic()},
    )
