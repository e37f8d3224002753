"""Where pictures come from: the sheet, files, the camera, samples. Sheet and files stay while another is open."""

import json
from typing import Final

import streamlit as st

from src.app.page.canvas import paper
from src.app.page.i18n import message, say
from src.settings import ROOT, get_settings

Picture = tuple[str, bytes]  # a name, and an encoded image

SOURCES: Final = {
    "draw": message("Draw"),
    "upload": message("Files"),
    "camera": message("Photo"),
    "samples": message("Samples"),
}
STAYING: Final = ("draw", "upload")
FORMATS: Final = "PNG, JPEG, WebP, BMP, GIF, TIFF"
ENDINGS: Final = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tiff"]
SAMPLES: Final = ROOT / "data" / "samples"

# Streamlit's uploader takes no paste. What is pasted is put into its own input, as if it had been chosen there.
_PASTE: Final = """
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


def take_pictures() -> list[Picture]:
    """Return the drawing, or what the source that is open holds."""
    source = choose_source()
    with st.container(key="draw"):
        st.caption(say("One digit, 0 to 9"))
        drawing = paper()
    with st.container(key="upload"):
        files = take_files()
    # Hidden and not left out: a canvas that is taken away loses its drawing. Streamlit's tabs hide as well, but are
    # made anew, canvas and all, when their labels change to another language.
    hidden = "".join(f".st-key-{other} {{ display: none; }}" for other in STAYING if other != source)
    st.html(f"<style>{hidden}</style>")
    if source == "draw":
        return [("", drawing)] if drawing else []
    if source == "upload":
        return files
    return take_photo() if source == "camera" else take_sample()


def take_files() -> list[Picture]:
    """Show where files go and return them."""
    megabytes = max(1, get_settings().max_body_bytes // 2**20)
    label = say(
        "Pictures of one digit each, {megabytes} MB at the most: {formats}", megabytes=megabytes, formats=FORMATS
    )
    _put_words("file", choose=say("Choose, drop or paste here"))
    files = st.file_uploader(label, type=ENDINGS, key="file", max_upload_size=megabytes, accept_multiple_files=True)
    st.components.v2.component("paste", html="<span></span>", js=_PASTE)(key="paste")
    return [(file.name, file.getvalue()) for file in files]


def take_photo() -> list[Picture]:
    """Show what the camera sees and return the photo; the browser asks for permission first."""
    _put_words(
        "photo",
        take=say("Take the photo"),
        again=say("Take another"),
        ask=say("Let this page use your camera: the browser asks for it, or remembers your answer in its settings."),
    )
    photo = st.camera_input(say("A photo of one digit"), key="photo")
    return [("", photo.getvalue())] if photo else []


def _put_words(key: str, **words: str) -> None:
    """Hand words to page.css, which puts them over those of a widget: what Streamlit writes there is English alone."""
    written = " ".join(f"--{name}: {json.dumps(text, ensure_ascii=False)};" for name, text in words.items())
    st.html(f"<style>.st-key-{key} {{ {written} }}</style>")


def take_sample() -> list[Picture]:
    """Offer a digit of each kind and return the one that was clicked."""
    digit = st.pills(say("A digit to try"), range(10), key="sample")
    if digit is None:
        return []
    sample = (SAMPLES / f"{digit}_drawn.png").read_bytes()
    st.image(sample, width="stretch", alt="")
    return [("", sample)]


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
        wrap=False,
        label_visibility="collapsed",
    )
    return chosen
