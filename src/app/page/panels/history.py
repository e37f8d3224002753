"""What was read in this session: each drawing once, as it was when it ended."""

from contextlib import suppress
from html import escape
from typing import Final

import streamlit as st

from src.app.page.client import Answer
from src.app.page.errors import ServiceError
from src.app.page.i18n import count, language, percent, say
from src.app.page.session import describe, name_of

KEPT: Final = 24  # pictures
History = dict[str, Answer]  # by the picture's name, oldest first


def remember(picture: bytes | None, read: Answer | None) -> None:
    """Take note of an answer; while a drawing goes on, each stroke's replaces the one before."""
    history: History = st.session_state.setdefault("history", {})
    going_on: str | None = st.session_state.pop("going_on", None)
    if picture is None or read is None:
        return
    name = name_of(picture)
    for former in (name, going_on):
        history.pop(former or "", None)
    history[name] = read
    if len(history) > KEPT:
        history.pop(next(iter(history)))
    if st.session_state.get("source") == "draw":
        st.session_state["going_on"] = name


def show_history() -> None:
    """Show what was read, newest first."""
    history: History = st.session_state.get("history", {})
    if not history:
        return
    pieces = [
        f'<li><img src="{read.image}" alt="" width="44" height="44"><span>{read.prediction}</span></li>'
        for read in reversed(history.values())
    ]
    st.html(f"""
    <section class="history" lang="{language()}">
      <h2>{say("Read in this session")}</h2>
      <ol reversed>{"".join(pieces)}</ol>
    </section>""")


def show_network() -> None:
    """Say which network read the latest picture of this session; nothing where the service doesn't."""
    history: History = st.session_state.get("history", {})
    if not history:
        return
    with suppress(ServiceError):
        model = describe(list(history.values())[-1].model)
        name = say(
            "Read by {network} {version}, {parameters} parameters.",
            network=model.network,
            version=model.version,
            parameters=count(model.parameters),
        )
        measured = ""
        if model.test:
            share, pictures = percent(model.test.accuracy), count(model.test.pictures)
            measured = say("{share} of {pictures} test digits read right.", share=share, pictures=pictures)
        st.html(f'<p class="model" lang="{language()}">{escape(name)} {escape(measured)}</p>')
