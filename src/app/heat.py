"""Where on the picture the answer came from, for who wants to know."""

import streamlit as st

from src.app import views
from src.app.asking import read_once
from src.app.errors import ServiceError
from src.app.unfolding import unfolding
from src.app.words import say


def show_heat(picture: bytes) -> None:
    """Offer the heat map; the service is asked for it while it is open."""
    with unfolding("heat", say("Where the answer came from")) as is_open:
        if not is_open:
            return
        try:
            read = read_once(picture, "heat")
        except ServiceError as error:
            st.caption(say(error.sentence, **error.values))
            return
        if read.heat:
            st.html(views.heat(read.image, read.heat))
