"""The answers of this session: one for each finished drawing and each file. A click shows one again."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

import streamlit as st

from src.app.page.answer import Answer
from src.app.page.errors import ServiceError
from src.app.page.i18n import format_count, get_language, gettext_noop, translate
from src.app.page.inputs.sources import Picture
from src.app.page.number_rendering import answer_label
from src.app.page.panels.csv_file import to_csv
from src.app.page.preview import Preview
from src.app.page.rendering import accuracy_label
from src.app.page.session import describe_model, picture_id, preview_once, thumbnail_once

MAX_ANSWERS: Final = 48
MAX_KEPT: Final = 200_000  # bytes of a picture that is kept; a drawing has a few thousand
# what the service calls the networks that read for the page, in words
KINDS: Final = {
    "cnn": gettext_noop("a convolutional network (CNN)"),
    "digit": gettext_noop("a convolutional network (CNN)"),
    "light": gettext_noop("a convolutional network (CNN)"),
    "micro": gettext_noop("a convolutional network (CNN)"),
    "mlp": gettext_noop("a fully connected network (MLP)"),
}


_SCRIPT: Final = Path(__file__).with_suffix(".js").read_text("utf-8")
_STYLE: Final = """
ol { display: flex; flex-wrap: wrap; gap: 0.375rem; margin: 0; padding: 0; list-style: none; }
button {
  padding: 0 0 0.125rem; font: inherit; font-size: 0.875rem; line-height: 1.4; color: var(--st-text-color);
  cursor: pointer; background: transparent; border: 2px solid transparent; border-radius: 0.375rem; overflow: hidden;
}
button[aria-pressed="true"], button:hover { border-color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
img {
  display: block; height: 2.75rem; min-width: 2.75rem; max-width: 8.25rem; object-fit: contain;
  image-rendering: pixelated;
}
span { display: block; max-width: 8.25rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
"""


@dataclass(frozen=True)
class Entry:
    """An answer, with what is needed to show it again."""

    name: str  # of the file, if there was one
    answer: Answer
    image: str  # a small picture, a data URL
    picture: bytes | None  # None: it was too large to be kept
    preview: Preview | None  # of a number


def remember(picture: bytes | None, answer: Answer | None, name: str = "") -> None:
    """Add an answer to the history. While a drawing continues, it replaces that of the stroke before."""
    history = _history()
    unfinished: str | None = st.session_state.pop("unfinished", None)
    if picture is None or answer is None:
        return
    key = picture_id(picture)
    is_drawn = st.session_state.get("source") == "draw"
    for former in (key, unfinished if is_drawn else None):
        history.pop(former or "", None)
    history[key] = _make_entry(picture, answer, name)
    if len(history) > MAX_ANSWERS:
        history.pop(next(iter(history)))
    if is_drawn:
        st.session_state["unfinished"] = key


def _make_entry(picture: bytes, answer: Answer, name: str) -> Entry:
    image = (thumbnail_once(picture) if answer.is_number else None) or answer.prediction.image
    preview = preview_once(picture) if answer.is_number else None
    return Entry(name, answer, image, picture if len(picture) <= MAX_KEPT else None, preview)


def find_reopened(pictures: Sequence[Picture]) -> Entry | None:
    """Return the answer that was clicked, unless the visitor has other pictures than then."""
    ids = [picture_id(picture.content) if isinstance(picture.content, bytes) else "" for picture in pictures]
    if st.session_state.get("pictures") != ids:
        st.session_state["pictures"] = ids
        st.session_state["reopened"] = None
    return _history().get(st.session_state.get("reopened") or "")


def list_digits() -> dict[str, tuple[bytes, int | None]]:
    """Return the pictures of single digits that are kept, and the answers unless they are doubtful, by picture id."""
    return {
        key: (entry.picture, None if entry.answer.is_doubtful else entry.answer.prediction.prediction)
        for key, entry in _history().items()
        if entry.picture and not entry.answer.is_number
    }


def _click() -> None:
    """Open the answer that was clicked, or close it if it is open."""
    key = st.session_state["history-list"]["clicked"]
    st.session_state["reopened"] = None if st.session_state.get("reopened") == key else key


def show_history() -> None:
    """Show the answers, newest first, and the network that gave the latest."""
    history = _history()
    if not history:
        return
    label = translate("Answers in this session. Those with ? are doubtful.")
    st.caption(label)
    component = st.components.v2.component("history", html="<ol></ol>", css=_STYLE, js=_SCRIPT)
    items = [
        {"key": key, "image": entry.image, "text": _label(entry.answer), "name": entry.name}
        for key, entry in reversed(history.items())
    ]
    data = {"label": label, "opened": st.session_state.get("reopened"), "items": items}
    component(key="history-list", data=data, on_clicked_change=_click)
    _offer_file(history.values())
    with suppress(ServiceError):  # the note is left out
        _show_network(next(reversed(history.values())).answer.prediction.model)


def _label(answer: Answer) -> str:
    return f"{answer.text} ?" if answer.is_doubtful else answer.text


def _offer_file(entries: Iterable[Entry]) -> None:
    """Offer the answers, oldest first, as a file."""
    header = [translate("File"), translate("Number"), translate("Remark"), translate("Confidence")]
    rows = [
        [entry.name, entry.answer.text, answer_label(entry.answer), f"{entry.answer.confidence:.3f}"]
        for entry in entries
    ]
    st.download_button(
        translate("Save these answers as CSV"),
        to_csv([header, *rows]),
        "answers.csv",
        "text/csv",
        key="answers",
        type="tertiary",
        on_click="ignore",
    )


def _show_network(version: str) -> None:
    """Show what this network is and how accurate. Raises a `ServiceError`."""
    model = describe_model(version)
    kind = KINDS.get(model.network)
    note = translate(
        "Read by {kind}, version {version}, with {parameters} weights.",
        kind=translate(kind) if kind else model.network,
        version=model.version,
        parameters=format_count(model.parameters),
    )
    accuracy = accuracy_label(model)
    text = f"{note} {accuracy}." if accuracy else note
    st.html(f'<p class="model" lang="{get_language()}">{escape(text)}</p>')


def _history() -> dict[str, Entry]:
    """Return the answers by their pictures' ids, oldest first."""
    history: dict[str, Entry] = st.session_state.setdefault("history", {})
    return history
