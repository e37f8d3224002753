"""The page: draw a digit, or upload one, and see what the service reads in it.

`streamlit run src/app/front.py`, from the repository's root. It knows the service by its HTTP interface only.
"""

import sys
from pathlib import Path

# Streamlit puts this file's folder on the path, not the repository's root, from which `src` is imported.
if (root := str(Path(__file__).resolve().parents[2])) not in sys.path:
    sys.path.insert(0, root)  # once only: this file runs anew for every visitor

import streamlit as st

from src.app.page import rendering
from src.app.page.canvas import SIDE
from src.app.page.client import Answer
from src.app.page.errors import ServiceError
from src.app.page.i18n import LANGUAGES, language, say
from src.app.page.inputs import take_pictures
from src.app.page.panels import retry
from src.app.page.panels.batch import show_answers
from src.app.page.panels.experiment import show_experiment
from src.app.page.panels.feedback import teach
from src.app.page.panels.heatmap import show_heat
from src.app.page.panels.history import remember, show_history, show_network
from src.app.page.session import read_once

ICON = """<svg viewBox="0 0 28 28"><rect width="28" height="28" rx="6"/>
<path d="M12 6 8 16h12M16 11v11" fill="none" stroke="#fff" stroke-width="2.5"/></svg>"""


def main() -> None:
    """Lay the page out."""
    st.set_page_config(page_title=say("Digit reader"), page_icon=ICON)
    st.html(Path(__file__).parent / "page" / "page.css")
    with st.container(key="top", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(say("Digit reader"), anchor=False, width="content")
        choose_language()
    read_page()


def choose_language() -> None:
    """Show the switch between languages; it begins with the browser's."""
    st.segmented_control(
        say("Language"),
        list(LANGUAGES),
        default=language(),
        required=True,
        format_func=LANGUAGES.__getitem__,
        key="language",
        label_visibility="collapsed",
    )


@st.fragment  # a stroke reruns this and leaves the rest of the page alone
def read_page() -> None:
    """Take a picture on one side, show what it says on the other."""
    with st.container(key="sides", horizontal=True, gap=48):
        with st.container(key="input", width=SIDE):
            pictures = take_pictures()
        with st.container(key="answer", height="stretch"):
            picture = pictures[0][1] if len(pictures) == 1 else None
            if len(pictures) > 1:
                show_answers(pictures)
            else:
                remember(picture, show_answer(picture))
    show_experiment(picture)
    show_history()
    show_network()


def show_answer(picture: bytes | None) -> Answer | None:
    """Ask the service about `picture`, show what it says and return it; without a picture, invite."""
    if picture is None:
        st.html(rendering.invitation())
        return None
    try:
        with st.spinner(say("Reading …")):
            answer = read_once(picture)
    except ServiceError as error:
        st.html(rendering.failure(error))
        if not rendering.is_blank(error):
            retry.offer(error.wait_s)
        return None
    st.html(rendering.answer(answer))
    show_heat(picture)
    teach(picture, answer)
    return answer


if __name__ == "__main__":
    main()
