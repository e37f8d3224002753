"""The answers of this session, one for each finished drawing, and the network that gave the latest."""

from contextlib import suppress
from html import escape
from typing import Final

import streamlit as st

from src.app.page.answer import Answer
from src.app.page.errors import ServiceError
from src.app.page.i18n import format_count, get_language, translate
from src.app.page.rendering import accuracy_label
from src.app.page.session import describe_model, picture_id

MAX_PICTURES: Final = 24


def remember(picture: bytes | None, answer: Answer | None) -> None:
    """Add an answer to the history. While a drawing continues, it replaces that of the stroke before."""
    history = _history()
    unfinished: str | None = st.session_state.pop("unfinished", None)
    if picture is None or answer is None:
        return
    name = picture_id(picture)
    for former in (name, unfinished):
        history.pop(former or "", None)
    history[name] = answer
    if len(history) > MAX_PICTURES:
        history.pop(next(iter(history)))
    if st.session_state.get("source") == "draw":
        st.session_state["unfinished"] = name


def show_history() -> None:
    """Show the answers, newest first, and the network that gave the latest."""
    history = _history()
    if not history:
        return
    items = [_render_item(answer) for answer in reversed(history.values())]
    st.html(f"""
    <section class="history" lang="{get_language()}">
      <h2>{translate("Answers in this session")}</h2>
      <ol reversed>{"".join(items)}</ol>
    </section>""")
    with suppress(ServiceError):  # the note is left out
        _show_network(next(reversed(history.values())).prediction.model)


def _render_item(answer: Answer) -> str:
    if not answer.is_number:
        image = f'<img src="{answer.prediction.image}" alt="" width="44" height="44">'
    else:  # the whole picture
        steps = answer.prediction.steps
        image = f'<img src="{steps.ink if steps else answer.prediction.image}" alt="" height="44" class="whole">'
    return f"<li>{image}<span>{answer.text}</span></li>"


def _show_network(version: str) -> None:
    """Show which network this is and how accurate. Raises a `ServiceError`."""
    model = describe_model(version)
    note = translate(
        "Model: {network} {version}, {parameters} parameters",
        network=model.network,
        version=model.version,
        parameters=format_count(model.parameters),
    )
    text = " · ".join(part for part in (note, accuracy_label(model)) if part)
    st.html(f'<p class="model" lang="{get_language()}">{escape(text)}</p>')


def _history() -> dict[str, Answer]:
    """Return the answers by their pictures' ids, oldest first."""
    history: dict[str, Answer] = st.session_state.setdefault("history", {})
    return history
