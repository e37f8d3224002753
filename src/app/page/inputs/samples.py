"""Digits that people drew, for visitors who have none at hand or no pen, as pictures to click on."""

from functools import cache
from typing import Final

import streamlit as st

from src.app.page.i18n import translate
from src.app.page.preview import make_preview
from src.settings import ROOT

SAMPLES_DIR: Final = ROOT / "data" / "samples"
FIRST_SAMPLES: Final = (2, 5, 8)  # offered before anything is drawn
SIDE: Final = 128  # pixels of a thumbnail


@cache
def read_sample(digit: int) -> bytes:
    """Return the picture of a digit, an encoded image."""
    return (SAMPLES_DIR / f"{digit}_drawn.png").read_bytes()


def offer_samples() -> None:
    """Show a few samples; a click opens the source with all of them, and chooses this one."""
    with st.container(key="first", horizontal=True, horizontal_alignment="center", gap="small"):
        for digit in FIRST_SAMPLES:
            st.button(translate("Try a {digit}", digit=digit), key=f"try-{digit}", on_click=_open, args=(digit,))
    st.html(f"<style>{''.join(_thumbnail(f'.st-key-try-{digit} button', digit) for digit in FIRST_SAMPLES)}</style>")


def _open(digit: int) -> None:
    st.session_state["source"] = "samples"
    st.session_state["sample"] = digit


def choose_sample() -> bytes | None:
    """Offer a sample of each digit and return the one that was clicked."""
    digit = st.pills(translate("A digit to try"), range(10), key="sample", label_visibility="collapsed")
    rules = [_thumbnail(f".st-key-sample [role=radio]:nth-of-type({digit + 1})", digit) for digit in range(10)]
    st.html(f"<style>{''.join(rules)}</style>")
    return None if digit is None else read_sample(digit)


@cache
def _thumbnail(selector: str, digit: int) -> str:
    """Return the CSS rule that puts a sample's picture behind an element."""
    preview = make_preview(read_sample(digit), SIDE)
    return f"{selector} {{ background-image: url({preview.url}); }}" if preview else ""
