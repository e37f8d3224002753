"""Which network answers and how good it was measured to be, at the foot of the page."""

from contextlib import suppress
from html import escape

import streamlit as st

from src.app.asking import describe
from src.app.errors import ServiceError
from src.app.history import History
from src.app.words import count, language, percent, say


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
