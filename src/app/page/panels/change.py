"""What would change the network's mind: few pixels that, inked or erased, give another answer."""

from html import escape

import streamlit as st

from src.app.page.answer import Answer
from src.app.page.client import Change, Place
from src.app.page.errors import ServiceError
from src.app.page.i18n import get_language, translate
from src.app.page.panels.expander import lazy_expander
from src.app.page.session import predict_once

KEY = "change"
SIDE = 28  # pixels of the picture that the network sees


def offer_change(answer: Answer) -> None:
    """Under an answer that is not sure, offer to open the panel below."""
    if answer.is_doubtful:
        st.button(translate("What would change its mind?"), key="doubt", on_click=_open)


def _open() -> None:
    st.session_state[KEY] = True


def show_change(picture: bytes) -> None:
    """Offer the change; the service is asked for it only while it is open."""
    with lazy_expander(KEY, translate("What would change its mind")) as is_open:
        if not is_open:
            return
        try:
            prediction = predict_once(picture, "change")
        except ServiceError as error:
            st.caption(translate(error.sentence, **error.values))
            return
        if prediction.change:
            st.html(_render_change(prediction.image, prediction.change))
        else:
            st.caption(translate("No small change was found: it stays with its answer."))


def _render_change(image: str, change: Change) -> str:
    """Return the picture that the network saw, with the pixels that would change the answer."""
    pixels = _render_pixels(change.inked, "inked") + _render_pixels(change.erased, "erased")
    caption = translate(
        "These {count} pixels are enough: with {inked} inked (orange) and {erased} erased (blue), it would read "
        "{digit}. Fewer were not found.",
        count=len(change.inked) + len(change.erased),
        inked=len(change.inked),
        erased=len(change.erased),
        digit=change.prediction,
    )
    alt = translate("The picture that the model saw, with the pixels to change")
    return f"""
    <figure class="heat change" lang="{get_language()}">
      <div role="img" aria-label="{escape(alt)}"><img src="{image}" alt="">{pixels}</div>
      <figcaption>{escape(caption)}</figcaption>
    </figure>"""


def _render_pixels(places: tuple[Place, ...], kind: str) -> str:
    return "".join(
        f'<i class="{kind}" style="left: {100 * column / SIDE:.3f}%; top: {100 * row / SIDE:.3f}%"></i>'
        for column, row in places
    )
