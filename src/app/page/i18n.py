"""The page's words in the visitor's language. English stands in the code; locale/*/page.po holds the others.

After a change of words: `.venv/bin/python -m tools.text_catalogue` brings the catalogue up to date and compiles it.
"""

import gettext
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import streamlit as st

LANGUAGES: Final = {"en": "English", "fr": "Français"}
FOLDER: Final = Path(__file__).with_name("locale")


def say(text: str, **values: object) -> str:
    """Return `text` in the visitor's language, with `values` in the places that it names."""
    translated = translator(language())(text)
    return translated.format(**values) if values else translated


def count(number: int) -> str:
    """Return a whole number as the visitor's language writes it: 271,426."""
    return f"{number:,}".replace(",", say(","))


def percent(share: float) -> str:
    """Return a measured share, 0..1, as the visitor's language writes it: 99.65%."""
    return say("{number}%", number=f"{100 * share:.2f}".replace(".", say(".")))


def message(text: str) -> str:
    """Mark `text` for the catalogue; it is said later."""
    return text


def language() -> str:
    """Return the visitor's language: the one chosen on the page, else the browser's if the page has it."""
    chosen: str = st.session_state.get("language") or (st.context.locale or "").partition("-")[0].lower()
    return chosen if chosen in LANGUAGES else "en"


@cache
def translator(code: str) -> Callable[[str], str]:
    """Return what translates into the language `code`."""
    return gettext.translation("page", FOLDER, [code], fallback=code == "en").gettext
