"""The page's texts in the visitor's language. The code holds the English ones, locale/*/page.po the translations.

After changing a text, run `python -m tools.text_catalogue`: it updates the catalogue and compiles it.
"""

import gettext
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Final

import streamlit as st

LANGUAGES: Final = {"en": "English", "fr": "Français"}
LOCALE_DIR: Final = Path(__file__).with_name("locale")

_language: ContextVar[str] = ContextVar("language")


def translate(text: str, **values: object) -> str:
    """Return `text` in the visitor's language, with `values` filled into its placeholders."""
    translated = load_translation(get_language())(text)
    return translated.format(**values) if values else translated


def gettext_noop(text: str) -> str:
    """Mark `text` for the catalogue without translating it; `translate` does that where it is shown."""
    return text


def format_count(number: int) -> str:
    """Return a whole number as the visitor's language writes it: 271,426."""
    return f"{number:,}".replace(",", translate(","))


def format_percent(share: float) -> str:
    """Return a share between 0 and 1 as the visitor's language writes it: 99.7%.

    With one decimal, as a network's accuracy depends on how the same digits reach it. The description has that on the
    framed pixels, the README that on files; of 10,000 digits one or two are read otherwise.
    """
    return translate("{number}%", number=f"{100 * share:.1f}".replace(".", translate(".")))


def get_language() -> str:
    """Return the code of the language chosen on the page, else of the browser's if the page has it, else "en".

    Inside `use_language`, that one.
    """
    if fixed := _language.get(None):
        return fixed
    chosen: str = st.session_state.get("language") or (st.context.locale or "").partition("-")[0].lower()
    return chosen if chosen in LANGUAGES else "en"


@contextmanager
def use_language(code: str) -> Iterator[None]:
    """Fix the language inside the block, for what is not part of a Streamlit page."""
    token = _language.set(code)
    try:
        yield
    finally:
        _language.reset(token)


@cache
def load_translation(code: str) -> Callable[[str], str]:
    """Return the function that translates English into the language `code`."""
    return gettext.translation("page", LOCALE_DIR, [code], fallback=code == "en").gettext
