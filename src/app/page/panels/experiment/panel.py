"""The experiment: a CNN and an MLP read the visitor's digit and others, with the pixels in place or scrambled."""

from collections.abc import Mapping
from typing import Final

import streamlit as st

from src.app.page.errors import ServiceError
from src.app.page.i18n import get_language, gettext_noop, translate
from src.app.page.panels.expander import lazy_expander
from src.app.page.panels.experiment.comparison import Answer, render_comparison
from src.app.page.panels.experiment.competitors import Competitor, list_competitors
from src.app.page.panels.experiment.score import show_score
from src.app.page.panels.experiment.trial import show_trial
from src.app.page.panels.network_view import show_switch
from src.app.page.session import predict_once

# the kinds of networks on each card, as the service calls them
PLAIN: Final = (("cnn",), ("mlp",))
SCRAMBLED: Final = (("cnn", "cnn-permuted"), ("mlp", "mlp-permuted"), ("cnn-permuted", "cnn-recovered"))
PLAIN_TEXT: Final = gettext_noop(
    "Both networks have about the same number of weights. The CNN looks for strokes among neighbouring pixels and "
    "reads nearly every digit. The MLP weighs each pixel by itself and makes more mistakes."
)
SCRAMBLED_TEXT: Final = gettext_noop(
    "The pixels of all pictures were moved in the same way, and the networks trained again. The MLP does not use which "
    "pixels are neighbours, so this hardly affects it. The CNN no longer finds strokes and does no better than the "
    "MLP. Yet no information is lost: pixels that are often dark together were neighbours. With the layout recovered "
    "from scrambled pictures alone, the CNN reads as well as before."
)
RECOVERED_TEXT: Final = gettext_noop(
    "A layout found from pictures alone may come out turned or mirrored. The network does not mind, as it was trained "
    "on it; for your eyes, its picture is turned back here."
)


def show_experiment(picture: bytes | None) -> None:
    """Offer the experiment; the networks are asked only while it is open."""
    with lazy_expander("experiment", translate("Experiment: scramble the pixels of your digit")) as is_open:
        if not is_open:
            return
        show_switch("scrambled", "scrambled_inside")
        try:
            competitors = list_competitors()
            if not competitors:
                st.caption(translate("This service does not have the networks of the experiment."))
                return
            _compare(picture, competitors)
            show_score(picture, competitors)
            show_trial(competitors)
            _link_worksheet()
        except ServiceError as error:
            st.caption(translate(error.sentence, **error.values))


def _link_worksheet() -> None:
    """Link to the worksheet, which opens beside the page."""
    label = translate("A worksheet for the classroom, to print")
    st.link_button(label, f"worksheet?language={get_language()}", icon=":material/print:")


def _compare(picture: bytes | None, competitors: Mapping[str, Competitor]) -> None:
    """Show what the networks answer for the visitor's digit. Raises a `ServiceError`."""
    if picture is None:
        st.caption(translate("Draw a single digit to see what each network answers."))
        return
    is_scrambled = bool(st.session_state.get("scrambled"))
    cards = SCRAMBLED if is_scrambled else PLAIN
    st.caption(translate(SCRAMBLED_TEXT if is_scrambled else PLAIN_TEXT))
    rows: list[list[Answer]] = []
    for kinds in cards:
        networks = [competitors[kind] for kind in kinds if kind in competitors]
        rows.append([(network, predict_once(picture, "details", network.model.version)) for network in networks])
    st.html(render_comparison([row for row in rows if row], translate(RECOVERED_TEXT) if is_scrambled else ""))
