"""Where on the picture the answer came from, for who wants to know."""

import streamlit as st

from src.app.page import rendering
from src.app.page.errors import ServiceError
from src.app.page.i18n import say
from src.app.page.panels.expander import unfolding
from src.app.page.session import read_once


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
            st.html(rendering.heat(read.image, read.heat))
