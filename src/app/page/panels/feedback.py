"""Right or wrong, and which digit it was: one click, where the service takes corrections."""

from contextlib import suppress

import streamlit as st

from src.app.page.client import Answer
from src.app.page.errors import ServiceError
from src.app.page.i18n import say
from src.app.page.session import get_client, name_of, takes_feedback


def teach(picture: bytes, read: Answer) -> None:
    """Show what can be said about the answer, and what becomes of it."""
    with suppress(ServiceError), st.container(key="teach"):
        if not takes_feedback():
            st.caption(say("Corrections are off: this service keeps no pictures."))
        elif (kept := _kept().get(name_of(picture))) is not None:
            st.caption(kept if isinstance(kept, str) else say("Thank you. Kept as a {digit}.", digit=kept))
        else:
            _ask(picture, read)


def _ask(picture: bytes, read: Answer) -> None:
    key = name_of(picture)[:16]  # a new picture is a new question
    st.button(
        say("Right, it is a {digit}", digit=read.prediction),
        on_click=_send,
        args=(picture, read.prediction),
        width="stretch",
    )
    others = [digit for digit in range(10) if digit != read.prediction]
    with st.container(key="wrong"):
        label = say("Wrong, it was a")
        st.pills(label, others, key=f"was-{key}", on_change=lambda: _send(picture, st.session_state[f"was-{key}"]))
    st.caption(say("One click keeps the picture, the digit you name and the answer, to learn from; nothing else."))


def _send(picture: bytes, digit: int) -> None:
    try:
        _kept()[name_of(picture)] = get_client().correct(picture, digit)
    except ServiceError as error:
        _kept()[name_of(picture)] = say(error.sentence, **error.values)


def _kept() -> dict[str, int | str]:
    """Return what was kept in this session: as which digit, or a sentence that says why not."""
    kept: dict[str, int | str] = st.session_state.setdefault("kept", {})
    return kept
