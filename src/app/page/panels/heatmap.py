"""Which parts of the picture the prediction depends on."""

import streamlit as st

from src.app.page.errors import ServiceError
from src.app.page.i18n import translate
from src.app.page.panels.expander import lazy_expander
from src.app.page.rendering import render_heatmap
from src.app.page.session import predict_once


def show_heatmap(picture: bytes) -> None:
    """Offer the heat map; the service is asked for it only while it is open."""
    with lazy_expander("heat", translate("Which parts of the picture matter")) as is_open:
        if not is_open:
            return
        try:
            prediction = predict_once(picture, "heat")
        except ServiceError as error:
            st.caption(translate(error.sentence, **error.values))
            return
        if prediction.heat:
            st.html(render_heatmap(prediction.image, prediction.heat))
