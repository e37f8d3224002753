"""The page: draw a digit, or upload one, and see what the service reads in it.

`streamlit run src/app/front.py`, from the repository's root. It knows the service by its HTTP interface only.
"""

import sys
from pathlib import Path

# Streamlit puts this file's folder on the path, not the repository's root, from which `src` is imported.
if (root := str(Path(__file__).resolve().parents[2])) not in sys.path:
    sys.path.insert(0, root)  # once only: this file runs anew for every visitor

import streamlit as st

from src.app import views
from src.app.client import ServiceClient, ServiceError
from src.app.paper import SIDE, paper
from src.settings import get_settings

ICON = """<svg viewBox="0 0 28 28"><rect width="28" height="28" rx="6"/>
<path d="M12 6 8 16h12M16 11v11" fill="none" stroke="#fff" stroke-width="2.5"/></svg>"""


def main() -> None:
    """Lay the page out."""
    st.set_page_config(page_title="Digit reader", page_icon=ICON)
    st.html(Path(__file__).with_name("front.css"))
    st.title("Digit reader", anchor=False)
    read_page()


@st.fragment  # a stroke reruns this and leaves the rest of the page alone
def read_page() -> None:
    """Take a picture on one side, show what it says on the other."""
    with st.container(key="sides", horizontal=True, gap=48):
        with st.container(key="input", width=SIDE):
            picture = take_picture()
        with st.container(key="answer", height="stretch"):
            show_answer(picture)


def take_picture() -> bytes | None:
    """Return the drawing or the uploaded file, whichever tab is open."""
    draw, upload = st.tabs(["Draw", "Upload"], key="source", on_change="rerun")
    with draw:
        st.caption("One digit, 0 to 9")
        drawing = paper()
    with upload:
        file = st.file_uploader(
            "A picture of one digit",
            type=["png", "jpg", "jpeg", "webp", "bmp", "gif", "tiff"],
            key="file",
            max_upload_size=max(1, get_settings().max_body_bytes // 2**20),  # in MiB
        )
    if upload.open:
        return file.getvalue() if file else None
    return drawing


def show_answer(picture: bytes | None) -> None:
    """Ask the service about `picture` and show what it says; without one, invite."""
    if picture is None:
        st.html(views.invitation())
        return
    try:
        with st.spinner("Reading …"):
            answer = get_client().read_digit(picture)
    except ServiceError as error:
        st.html(views.failure(str(error)))
        st.button("Try again", key="retry")  # any press runs the fragment again
    else:
        st.html(views.answer(answer))


@st.cache_resource(show_spinner=False)
def get_client() -> ServiceClient:
    """Return the one client that all visitors share."""
    settings = get_settings()
    key = settings.api_keys[0].get_secret_value() if settings.api_keys else None
    return ServiceClient(settings.api_url, settings.api_timeout_s, key)


if __name__ == "__main__":
    main()
