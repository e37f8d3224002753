"""Whether the prediction was right: one click sends the correct digit, if the service accepts corrections."""

from contextlib import suppress

import streamlit as st

from src.app.page.client import Prediction
from src.app.page.errors import ServiceError
from src.app.page.i18n import translate
from src.app.page.session import accepts_feedback, get_client, picture_id


def show_feedback(picture: bytes, prediction: Prediction) -> None:
    """Ask whether the prediction is right, or show what became of the visitor's reply."""
    with suppress(ServiceError), st.container(key="teach"):
        if not accepts_feedback():
            st.caption(translate("Corrections are off: this service stores no pictures."))
        elif (outcome := _outcomes().get(picture_id(picture))) is None:
            _ask(picture, prediction)
        elif isinstance(outcome, int):
            st.caption(translate("Thank you. Saved as {digit}.", digit=outcome))
        else:
            st.caption(outcome)


def explain_no_feedback() -> None:
    """Say why a number can't be corrected, if the service accepts corrections."""
    with suppress(ServiceError):
        if accepts_feedback():
            st.caption(translate("Only single digits can be corrected. Draw one by itself to correct it."))


def _ask(picture: bytes, prediction: Prediction) -> None:
    key = f"was-{picture_id(picture)[:16]}"  # a new picture is a new question
    st.button(
        translate("Right, it is {digit}", digit=prediction.prediction),
        on_click=_send,
        args=(picture, prediction.prediction),
        width="stretch",
    )
    others = [digit for digit in range(10) if digit != prediction.prediction]
    with st.container(key="wrong"):
        label = translate("Wrong, it is")
        st.pills(label, others, key=key, on_change=lambda: _send(picture, st.session_state[key]))
    st.caption(
        translate("One click stores the picture, the correct digit and the answer for training, and nothing else.")
    )


def _send(picture: bytes, digit: int) -> None:
    try:
        _outcomes()[picture_id(picture)] = get_client().send_feedback(picture, digit)
    except ServiceError as error:
        _outcomes()[picture_id(picture)] = translate(error.sentence, **error.values)


def _outcomes() -> dict[str, int | str]:
    """Return, for each picture of this session, the digit it was stored with or a sentence that says why it was not."""
    outcomes: dict[str, int | str] = st.session_state.setdefault("outcomes", {})
    return outcomes
