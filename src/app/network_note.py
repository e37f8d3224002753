"""Which network answers and how good it was measured to be, at the foot of the page."""

from contextlib import suppress
from html import escape

import streamlit as st

from src.app.asking import describe
from src.app.errors import ServiceError
from src.app.history import History
from src.app.words import language, say


def show_network() -> None:
    """Say which network read the latest picture of this session; nothing where the service doesn't."""
    history: History = st.session_state.get("history", {})
    if not history:
        return
    with suppress(ServiceError):
        model = describe(list(history.values())[-1].model)
        name = say("Read by {network} {version}, {parameters} parameters.", **model.model_dump(exclude={"test"}))
        measured = ""
        if model.test:
            share = say("{number}%", number=f"{100 * model.test.accuracy:.2f}")
            measured = say("{share} of {pictures} test digits read right.", share=share, pictures=model.test.pictures)
        st.html(f'<p class="model" lang="{language()}">{escape(name)} {escape(measured)}</p>')
