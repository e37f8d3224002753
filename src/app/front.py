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
from starlette.routing import Route
from streamlit.starlette import App

from src.app.page import rendering
from src.app.page.answer import Answer
from src.app.page.errors import ServiceError
from src.app.page.headers import SecurityHeaders
from src.app.page.i18n import LANGUAGES, get_language, translate
from src.app.page.inputs.canvas import SIDE
from src.app.page.inputs.samples import offer_samples
from src.app.page.inputs.sources import Picture, choose_pictures, has_camera
from src.app.page.number_rendering import render_number
from src.app.page.panels.batch import show_batch
from src.app.page.panels.change import offer_change, show_change
from src.app.page.panels.experiment.panel import show_experiment
from src.app.page.panels.experiment.worksheet import PRINT_SCRIPT, serve_worksheet
from src.app.page.panels.feedback import explain_no_feedback, show_feedback
from src.app.page.panels.heatmap import show_heatmap
from src.app.page.panels.history import find_reopened, remember, show_history
from src.app.page.panels.network_view import show_networks
from src.app.page.panels.retry import offer_retry
from src.app.page.preview import Preview
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
    """Show the input, the answer and the history, and the panels below."""
    with st.container(key="sides"):
        with st.container(key="input", width=SIDE):
            pictures = choose_pictures()
        with st.container(key="answer", height="stretch"):
            picture, answer = show_answers(pictures)
        with st.container(key="past"):
            show_history()
    digit = None if answer and answer.is_number else picture
    show_networks(digit)
    show_experiment(digit)


def show_answers(pictures: list[Picture]) -> tuple[bytes | None, Answer | None]:
    """Show what is known about `pictures`. Return the picture that the panels below are about, and its answer."""
    if entry := find_reopened(pictures):
        show_answer(entry.answer, entry.preview, entry.picture)
        return entry.picture, entry.answer
    if len(pictures) > 1:
        show_batch(pictures)
        return None, None
    content = pictures[0].content if pictures else None
    if isinstance(content, bytes):
        answer = read(content)
        remember(content, answer, pictures[0].name)
        return content, answer
    remember(None, None)
    if content:
        st.html(rendering.render_failure(content))
    else:
        invite()
    return None, None


def invite() -> None:
    """Say what to do where the visitor is, and before the first stroke offer samples."""
    source: str = st.session_state.get("source", "draw")
    st.html(rendering.render_invitation("no camera" if source == "camera" and not has_camera() else source))
    if source == "draw":
        offer_samples()


def read(picture: bytes) -> Answer | None:
    """Ask the service about `picture`, show the answer and return it; if there is none, say why."""
    try:
        with st.spinner(translate("Reading …")):
            answer = answer_once(picture)
    except ServiceError as error:
        st.html(rendering.render_failure(error))
        if error.is_temporary:
            offer_retry(error.wait_s)
        return None
    show_answer(answer, preview_once(picture) if answer.is_number else None, picture)
    return answer


def show_answer(answer: Answer, preview: Preview | None, picture: bytes | None) -> None:
    """Show an answer, with what needs the picture itself if there still is one."""
    if answer.is_number:
        st.html(render_number(answer, preview))
        explain_no_feedback()
        return
    st.html(rendering.render_prediction(answer.prediction))
    if picture:
        offer_change(answer)
        show_heatmap(picture)
        show_change(picture)
        show_feedback(picture, answer.prediction)


if __name__ == "__main__":  # once for each visitor and each change
    main()
else:  # `streamlit run` finds this name in the file and imports it once, to serve it
    app = App(
        __file__,
        routes=[Route("/worksheet", serve_worksheet)],
        middleware=[Middleware(SecurityHeaders, scripts=[PRINT_SCRIPT])],
    )
