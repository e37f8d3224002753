"""The running score: how many of the visitor's own digits each network of the experiment has read."""

from collections.abc import Mapping
from html import escape

import streamlit as st

from src.app.page.i18n import get_language, translate
from src.app.page.panels.experiment.competitors import Competitor
from src.app.page.panels.history import list_digits
from src.app.page.session import picture_id, read_digits_once


def show_score(picture: bytes | None, competitors: Mapping[str, Competitor]) -> None:
    """Show the score, and ask which digit the latest picture is. Raises a `ServiceError`."""
    digits = list_digits()
    if picture is not None and picture_id(picture) in digits:
        _ask_label(picture_id(picture), digits[picture_id(picture)][1])
    labels = {key: _labels().get(key, answer) for key, (_, answer) in digits.items()}
    known = {key: label for key, label in labels.items() if label is not None}
    if not known:
        return
    pictures = [digits[key][0] for key in known]
    scores = []
    for competitor in competitors.values():
        answers = read_digits_once(pictures, competitor.model.version)
        right = sum(answer == label for answer, label in zip(answers, known.values(), strict=True))
        scores.append((competitor.name, right))
    st.html(_render_scores(scores, len(known)))


def _ask_label(key: str, answer: int | None) -> None:
    """Ask which digit a picture shows; what the page has read is assumed, unless that is doubtful."""

    def remember() -> None:
        _labels()[key] = st.session_state[widget]

    widget = f"label-{key[:16]}"
    label = translate("For the score: which digit did you draw?")
    st.pills(label, range(10), default=_labels().get(key, answer), key=widget, on_change=remember)


def _labels() -> dict[str, int | None]:
    """Return the digits that the visitor has named, by picture id."""
    labels: dict[str, int | None] = st.session_state.setdefault("labels", {})
    return labels


def _render_scores(scores: list[tuple[str, int]], count: int) -> str:
    rows = "".join(
        f'<li style="--share: {right / count:.3f}"><b>{escape(name)}</b><i></i>'
        f"<span>{translate('{right} of {count}', right=right, count=count)}</span></li>"
        for name, right in scores
    )
    heading = translate("Your own digits in this session, read right")
    return f'<section class="score" lang="{get_language()}"><h3>{heading}</h3><ul>{rows}</ul></section>'
