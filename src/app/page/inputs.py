"""Where pictures come from: the canvas, files, the camera, samples."""

import json
from pathlib import Path
from typing import Final

import streamlit as st

from src.app.page.canvas import draw_canvas
from src.app.page.i18n import gettext_noop, translate
from src.settings import ROOT, get_settings

Picture = tuple[str, bytes]  # the file's name, "" if there is no file, and an encoded image

SOURCES: Final = {
    "draw": gettext_noop("Draw"),
    "upload": gettext_noop("Files"),
    "camera": gettext_noop("Photo"),
    "samples": gettext_noop("Samples"),
}
ALWAYS_PRESENT: Final = ("draw", "upload")  # hidden while another source is open, so that they keep what they hold
FORMATS: Final = "PNG, JPEG, WebP, BMP, GIF, TIFF"
EXTENSIONS: Final = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tiff"]
SAMPLES_DIR: Final = ROOT / "data" / "samples"

# Streamlit's uploader ignores the clipboard. This puts pasted files into its input, as if they had been chosen there.
_PASTE_SCRIPT: Final = """
export default function () {
  const paste = (event) => {
    const { files } = event.clipboardData
    const input = document.querySelector(".st-key-file input[type=file]")
    if (!input || ![...files].some((file) => file.type.startsWith("image/"))) return
    input.files = files
    input.dispatchEvent(new Event("change", { bubbles: true }))
    document.querySelectorAll(".st-key-source [role=radio]")[1].click()
  }
  const listeners = new AbortController()
  addEventListener("paste", paste, { signal: listeners.signal })
  return () => listeners.abort()
}
"""


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
        if wide and source == "draw":
            st.html(Path(__file__).with_name("wide.css"))
        drawing = draw_canvas(wide)
    with st.container(key="upload"):
        files = upload_files()
    # Hidden by CSS, since a canvas that is removed loses its drawing. Streamlit's tabs hide their content as well, but
    # are created anew, canvas and all, when their labels change to another language.
    hidden = "".join(f".st-key-{other} {{ display: none; }}" for other in ALWAYS_PRESENT if other != source)
    st.html(f"<style>{hidden}</style>")
    if source == "draw":
        return [("", drawing)] if drawing else []
    if source == "upload":
        return files
    return take_photo() if source == "camera" else choose_sample()


def upload_files() -> list[Picture]:
    """Show the uploader and return the files in it."""
    megabytes = max(1, get_settings().max_body_bytes // 2**20)
    label = translate(
        "A digit or a number per picture, at most {megabytes} MB: {formats}", megabytes=megabytes, formats=FORMATS
    )
    _replace_widget_texts("file", choose=translate("Choose, drop or paste here"))
    files = st.file_uploader(label, type=EXTENSIONS, key="file", max_upload_size=megabytes, accept_multiple_files=True)
    st.components.v2.component("paste", html="<span></span>", js=_PASTE_SCRIPT)(key="paste")
    return [(file.name, file.getvalue()) for file in files]


def take_photo() -> list[Picture]:
    """Show the camera's picture and return the photo; the browser asks for permission first."""
    _replace_widget_texts(
        "photo",
        take=translate("Take the photo"),
        again=translate("Take another"),
        ask=translate(
            "Allow this page to use your camera. If the browser does not ask, change the permission in its settings."
        ),
    )
    photo = st.camera_input(translate("A photo of a digit or a number"), key="photo")
    return [("", photo.getvalue())] if photo else []


def _replace_widget_texts(key: str, **texts: str) -> None:
    """Set CSS variables that page.css shows instead of the texts of a widget, which Streamlit has only in English."""
    variables = " ".join(f"--{name}: {json.dumps(text, ensure_ascii=False)};" for name, text in texts.items())
    st.html(f"<style>.st-key-{key} {{ {variables} }}</style>")


def choose_sample() -> list[Picture]:
    """Offer a sample of each digit and return the one that was clicked."""
    digit = st.pills(translate("A digit to try"), range(10), key="sample")
    if digit is None:
        return []
    sample = (SAMPLES_DIR / f"{digit}_drawn.png").read_bytes()
    st.image(sample, width="stretch", alt="")
    return [("", sample)]
