"""The course's lesson on one's own digit: CNN and MLP side by side, on pixels as they are and scrambled."""

from typing import Final

import streamlit as st

from src.app.page import rendering, session
from src.app.page.client import Answer, Model
from src.app.page.errors import ServiceError
from src.app.page.i18n import message, say
from src.app.page.panels.expander import unfolding

# the networks' kinds, as the service calls them, and how they are introduced
GIVEN: Final = {"cnn": message("CNN"), "mlp": message("MLP")}
SCRAMBLED: Final = {
    "cnn-permuted": message("CNN, scrambled"),
    "mlp-permuted": message("MLP, scrambled"),
    "cnn-recovered": message("CNN, put back"),
}
WHAT_GIVEN: Final = message(
    "With equally many weights, the CNN, which looks for strokes among neighbouring pixels, reads nearly every digit; "
    "the MLP, which weighs each pixel by itself, misses more."
)
WHAT_SCRAMBLED: Final = message(
    "Every pixel has moved, in all pictures alike: the MLP never knew neighbours and hardly notices, while the CNN "
    "finds no strokes any more and is no better than the MLP. Yet nothing is lost: pixels that are often dark together "
    "were neighbours, so the layout is found from scrambled pictures alone, if turned or mirrored, and with it the CNN "
    "reads as before."
)


def show_experiment(picture: bytes | None) -> None:
    """Offer the experiment; the networks are asked while it is open."""
    with unfolding("experiment", say("Experiment: scramble the pixels of your digit")) as is_open:
        if not is_open:
            return
        scrambled = st.toggle(say("Scramble the pixels"), key="scrambled", persist_state="session")
        if picture is None:
            st.caption(say("Draw a digit, and each network answers here."))
            return
        try:
            answers = _answers(picture, SCRAMBLED if scrambled else GIVEN)
        except ServiceError as error:
            st.caption(say(error.sentence, **error.values))
            return
        if not answers:
            st.caption(say("This reader lacks the networks of the experiment."))
            return
        st.caption(say(WHAT_SCRAMBLED if scrambled else WHAT_GIVEN))
        st.html(rendering.side_by_side(answers))


def _answers(picture: bytes, kinds: dict[str, str]) -> list[tuple[str, Model, Answer]]:
    """Return what each kind of network reads in `picture`, and how it is introduced. Raises a `ServiceError`."""
    there = session.networks()
    return [
        (say(name), there[kind], session.read_once(picture, "details", there[kind].version))
        for kind, name in kinds.items()
        if kind in there
    ]
