"""The page: draw or upload a digit or a number and see what the service reads.

Run from the repository's root: `streamlit run src/app/front.py`. The page knows the service only through HTTP.
"""

import sys
from pathlib import Path

# Streamlit puts this file's folder on sys.path, but `src` is imported from the repository's root.
if (root := str(Path(__file__).resolve().parents[2])) not in sys.path:
    sys.path.insert(0, root)  # only once, as this file runs again for every visitor

import streamlit as st
from starlette.middleware import Middleware
from streamlit.starlette import App

from src.app.page import rendering
from src.app.page.answer import Answer
from src.app.page.canvas import SIDE
from src.app.page.errors import ServiceError
from src.app.page.headers import SecurityHeaders
from src.app.page.i18n import LANGUAGES, get_language, translate
from src.app.page.inputs import choose_pictures
from src.app.page.number_rendering import render_number
from src.app.page.panels.batch import show_batch
from src.app.page.panels.experiment import show_experiment
from src.app.page.panels.feedback import explain_no_feedback, show_feedback
from src.app.page.panels.heatmap import show_heatmap
from src.app.page.panels.history import remember, show_history
from src.app.page.panels.retry import offer_retry
from src.app.page.session import answer_once, preview_once

ICON = """<svg viewBox="0 0 28 28"><rect width="28" height="28" rx="6"/>
<path d="M12 6 8 16h12M16 11v11" fill="none" stroke="#fff" stroke-width="2.5"/></svg>"""


def main() -> None:
    """Lay out the page."""
    st.set_page_config(page_title=translate("Digit reader"), page_icon=ICON)
    st.html(Path(__file__).parent / "page" / "page.css")
    with st.container(key="top", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(translate("Digit reader"), anchor=False, width="content")
        st.segmented_control(
            translate("Language"),
            list(LANGUAGES),
            default=get_language(),
            required=True,
            format_func=LANGUAGES.__getitem__,
            key="language",
            label_visibility="collapsed",
        )
    show_digit_reader()


@st.fragment  # a stroke reruns only this part of the page
def show_digit_reader() -> None:
    """Show the input on one side, the answer on the other, and the panels below."""
    with st.container(key="sides", horizontal=True, gap=48):
        with st.container(key="input", width=SIDE):
            pictures = choose_pictures()
        with st.container(key="answer", height="stretch"):
            picture = pictures[0][1] if len(pictures) == 1 else None
            answer = None
            if len(pictures) > 1:
                show_batch(pictures)
            else:
                answer = show_answer(picture)
                remember(picture, answer)
    show_experiment(None if answer and answer.is_number else picture)
    show_history()


def show_answer(picture: bytes | None) -> Answer | None:
    """Ask the service about `picture`, show the answer and return it; without a picture, show an invitation."""
    if picture is None:
        st.html(rendering.render_invitation())
        return None
    try:
        with st.spinner(translate("Reading …")):
            answer = answer_once(picture)
    except ServiceError as error:
        st.html(rendering.render_failure(error))
        if not rendering.is_unfinished(error):
            offer_retry(error.wait_s)
        return None
    if answer.is_number:
        st.html(render_number(answer, preview_once(picture)))
        explain_no_feedback()
    else:
        st.html(rendering.render_prediction(answer.prediction))
        show_heatmap(picture)
        show_feedback(picture, answer.prediction)
    return answer


if __name__ == "__main__":  # once for each visitor and each change
    main()
else:  # `streamlit run` finds this name in the file and imports it once, to serve it
    app = App(__file__, middleware=[Middleware(SecurityHeaders)])
