"""The experiment: a CNN and an MLP predict the visitor's digit, with its pixels in place or scrambled."""

from typing import Final

import streamlit as st

from src.app.page.client import Model, Prediction
from src.app.page.errors import ServiceError
from src.app.page.i18n import gettext_noop, translate
from src.app.page.panels.expander import lazy_expander
from src.app.page.rendering import render_comparison
from src.app.page.session import list_networks, predict_once

# the kinds of networks, as the service calls them, and their names on the page
PLAIN: Final = {"cnn": gettext_noop("CNN"), "mlp": gettext_noop("MLP")}
SCRAMBLED: Final = {
    "cnn-permuted": gettext_noop("CNN, scrambled pixels"),
    "mlp-permuted": gettext_noop("MLP, scrambled pixels"),
    "cnn-recovered": gettext_noop("CNN, layout recovered"),
}
PLAIN_TEXT: Final = gettext_noop(
    "Both networks have about the same number of weights. The CNN looks for strokes among neighbouring pixels and "
    "reads nearly every digit. The MLP weighs each pixel by itself and makes more mistakes."
)
SCRAMBLED_TEXT: Final = gettext_noop(
    "The pixels of all pictures were moved in the same way. The MLP does not use which pixels are neighbours, so this "
    "hardly affects it. The CNN no longer finds strokes and does no better than the MLP. Yet no information is lost: "
    "pixels that are often dark together were neighbours. The layout can be recovered from scrambled pictures alone, "
    "possibly turned or mirrored, and with it the CNN reads as well as before."
)


def show_experiment(picture: bytes | None) -> None:
    """Offer the experiment; the networks are asked only while it is open."""
    with lazy_expander("experiment", translate("Experiment: scramble the pixels of your digit")) as is_open:
        if not is_open:
            return
        scrambled = st.toggle(translate("Scramble the pixels"), key="scrambled", persist_state="session")
        if picture is None:
            st.caption(translate("Draw a single digit to see what each network answers."))
            return
        try:
            predictions = _predict_with_each(picture, SCRAMBLED if scrambled else PLAIN)
        except ServiceError as error:
            st.caption(translate(error.sentence, **error.values))
            return
        if not predictions:
            st.caption(translate("This service does not have the networks of the experiment."))
            return
        st.caption(translate(SCRAMBLED_TEXT if scrambled else PLAIN_TEXT))
        st.html(render_comparison(predictions))


def _predict_with_each(picture: bytes, kinds: dict[str, str]) -> list[tuple[str, Model, Prediction]]:
    """Return the name, the model and its prediction for each kind of network that the service has."""
    models = list_networks()
    return [
        (translate(name), models[kind], predict_once(picture, "details", models[kind].version))
        for kind, name in kinds.items()
        if kind in models
    ]
