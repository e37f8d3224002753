"""Where a picture comes from: the sheet, or a file. Each keeps what it holds while the other is open."""

from typing import Final

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from src.app.paper import paper
from src.app.words import message, say
from src.settings import get_settings

SOURCES: Final = {"draw": message("Draw"), "upload": message("Upload")}
FORMATS: Final = "PNG, JPEG, WebP, BMP, GIF, TIFF"
ENDINGS: Final = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tiff"]


def take_picture() -> bytes | None:
    """Return the drawing or the uploaded file, whichever is open."""
    source = choose_source()
    with st.container(key="draw"):
        st.caption(say("One digit, 0 to 9"))
        drawing = paper()
    with st.container(key="upload"):
        file = take_file()
    # Hidden and not left out: a canvas that is taken away loses its drawing. Streamlit's tabs hide as well, but are
    # made anew, canvas and all, when their labels change to another language.
    st.html(
        f"<style>{''.join(f'.st-key-{other} {{ display: none; }}' for other in SOURCES if other != source)}</style>"
    )
    if source == "upload":
        return file.getvalue() if file else None
    return drawing


def take_file() -> UploadedFile | None:
    """Show where a file goes and return it."""
    megabytes = max(1, get_settings().max_body_bytes // 2**20)
    label = say("A picture of one digit, {megabytes} MB at the most: {formats}", megabytes=megabytes, formats=FORMATS)
    # What Streamlit writes on its button is English alone.
    st.html(f"<style>.st-key-file {{ --choose: '{say('Choose, or drop here')}'; }}</style>")
    return st.file_uploader(label, type=ENDINGS, key="file", max_upload_size=megabytes)


def choose_source() -> str:
    """Show the switch between the sources and return what it stands on."""
    chosen: str = st.segmented_control(
        say("Where the digit comes from"),
        list(SOURCES),
        default="draw",
        required=True,
        format_func=lambda source: say(SOURCES[source]),
        key="source",
        width="stretch",
        label_visibility="collapsed",
    )
    return chosen
