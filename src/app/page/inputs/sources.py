"""Where pictures come from: the canvas, files, the camera, samples."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from src.app.page.errors import HeicError, ProblemError
from src.app.page.i18n import gettext_noop, translate
from src.app.page.inputs.canvas import draw_canvas
from src.app.page.inputs.samples import choose_sample
from src.settings import get_settings

SOURCES: Final = {
    "draw": gettext_noop("Draw"),
    "upload": gettext_noop("Files"),
    "camera": gettext_noop("Photo"),
    "samples": gettext_noop("Samples"),
}
ALWAYS_PRESENT: Final = ("draw", "upload")  # hidden while another source is open, so that they keep what they hold
FORMATS: Final = "PNG, JPEG, WebP, BMP, GIF, TIFF"
HEIC: Final = re.compile(rb"....ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL)  # how such a file begins
MEBIBYTE: Final = 2**20

_SCRIPT: Final = Path(__file__).with_suffix(".js").read_text("utf-8")
_WIDE_STYLE: Final = Path(__file__).with_name("wide.css").read_text("utf-8")


@dataclass(frozen=True)
class Picture:
    """A picture to be read."""

    content: bytes | ProblemError  # an encoded image, or why it can't be sent
    name: str = ""  # of its file, if there is one


def choose_pictures() -> list[Picture]:
    """Show the sources of pictures and return what the open one holds."""
    source: str = st.segmented_control(
        translate("Source of the picture"),
        list(SOURCES),
        default="draw",
        required=True,
        format_func=lambda source: translate(SOURCES[source]),
        key="source",
        width="stretch",
        wrap=False,
        label_visibility="collapsed",
    )
    with st.container(key="draw"):
        with st.container(key="paper", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            wide = st.toggle(translate("Wide paper"), key="wide", persist_state="session")
            st.caption(translate("A digit or a number"), width="content")
        drawing = draw_canvas(wide)
    with st.container(key="upload"):
        files = upload_files()
    # Hidden by CSS, since a canvas that is removed loses its drawing. Streamlit's tabs hide their content as well, but
    # are created anew, canvas and all, when their labels change to another language.
    style = "".join(f".st-key-{other} {{ display: none; }}" for other in ALWAYS_PRESENT if other != source)
    if wide and source == "draw":
        style += _WIDE_STYLE
    # Always one element, for wide paper too: Streamlit's front end fails if it misses an element before others.
    st.html(f"<style>{style}</style>")
    if source == "draw":
        return [Picture(drawing)] if drawing else []
    if source == "upload":
        return files
    content = take_photo() if source == "camera" else choose_sample()
    return [Picture(content)] if content else []


def upload_files() -> list[Picture]:
    """Show the uploader and return the files in it, also those that it has refused."""
    limit = get_settings().max_body_bytes
    label = translate(
        "A digit or a number per picture, at most {megabytes} MB: {formats}",
        megabytes=f"{limit / 1e6:g}",
        formats=FORMATS,
    )
    _replace_widget_texts("file", choose=translate("Choose, drop or paste here"))
    # of any type: the uploader would refuse others without saying in the visitor's language what to do
    files = st.file_uploader(label, key="file", max_upload_size=-(-limit // MEBIBYTE), accept_multiple_files=True)
    component = st.components.v2.component("browser", html="<span></span>", js=_SCRIPT)
    browser = component(
        key="browser",
        default={"refused": [], "camera": True},
        on_refused_change=lambda: None,
        on_camera_change=lambda: None,
    )
    st.session_state["has_camera"] = browser.camera is not False
    refused = [Picture(ProblemError("file-too-large", ""), name) for name in browser.refused or ()]
    return [_read(file) for file in files] + refused


def _read(file: UploadedFile) -> Picture:
    content = file.getvalue()
    return Picture(HeicError() if HEIC.match(content) else content, file.name)


def has_camera() -> bool:
    """Return whether the browser gives the page a camera, as far as is known."""
    known: bool = st.session_state.get("has_camera", True)
    return known


def take_photo() -> bytes | None:
    """Show the camera's picture and return the photo; the browser asks for permission first. Else offer to upload."""
    if not has_camera():
        st.button(translate("Upload a picture"), key="instead", on_click=_open_upload, width="stretch")
        return None
    _replace_widget_texts(
        "photo",
        take=translate("Take the photo"),
        again=translate("Take another"),
        ask=translate(
            "Allow this page to use your camera. If the browser does not ask, change the permission in its settings."
        ),
    )
    photo = st.camera_input(translate("A photo of a digit or a number"), key="photo", label_visibility="collapsed")
    return photo.getvalue() if photo else None


def _open_upload() -> None:
    st.session_state["source"] = "upload"


def _replace_widget_texts(key: str, **texts: str) -> None:
    """Set CSS variables that page.css shows instead of the texts of a widget, which Streamlit has only in English."""
    variables = " ".join(f"--{name}: {json.dumps(text, ensure_ascii=False)};" for name, text in texts.items())
    st.html(f"<style>.st-key-{key} {{ {variables} }}</style>")
