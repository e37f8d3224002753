"""A trial of the experiment's networks on 200 test digits, with a chart that fills while they are read."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import streamlit as st

from src.app.page.i18n import get_language, translate
from src.app.page.panels.experiment.competitors import Competitor
from src.app.page.panels.experiment.test_digits import COUNT, load_test_digits
from src.app.page.session import read_digits_once

ROUND: Final = 25  # digits that each network reads before the chart is drawn again

Mistake = tuple[int, bytes, int | None]  # the digit, its picture, and what was read


def show_trial(competitors: Mapping[str, Competitor]) -> None:
    """Offer the trial, continue it if a stroke has interrupted it, and show what is known. Raises a `ServiceError`."""
    with st.container(key="trial"):
        if "trial" not in st.session_state:
            st.button(translate("Run {count} test digits", count=COUNT), on_click=_start)
            return
    chart = st.empty()
    digits = load_test_digits()
    mistakes: dict[str, list[Mistake]] = {kind: [] for kind in competitors}
    for end in range(ROUND, COUNT + 1, ROUND):
        for kind, competitor in competitors.items():
            mistakes[kind] += _find_mistakes(digits[end - ROUND : end], competitor.model.version)
        if end >= st.session_state["trial"]:  # after a stroke, the rounds before are not drawn again
            st.session_state["trial"] = end
            chart.html(_render_chart([(competitors[kind].name, mistakes[kind]) for kind in competitors], end))


def _start() -> None:
    st.session_state["trial"] = 0


def _find_mistakes(digits: Sequence[tuple[int, bytes]], model: str) -> list[Mistake]:
    answers = read_digits_once([picture for _, picture in digits], model)
    return [
        (digit, picture, answer) for (digit, picture), answer in zip(digits, answers, strict=True) if answer != digit
    ]


def _render_chart(rows: Sequence[tuple[str, Sequence[Mistake]]], count: int) -> str:
    """Return a row for each network with the digits that it got wrong: the longer the row, the worse the network."""
    items = "".join(
        f"<li><b>{escape(name)}</b> <span>{_count_mistakes(len(mistakes), count)}</span>"
        f"<div>{''.join(_render_mistake(*mistake) for mistake in mistakes)}</div></li>"
        for name, mistakes in rows
    )
    heading = translate("Mistakes in {count} of {all} test digits", count=count, all=COUNT)
    note = translate(
        "The digits come from MNIST's test set, 20 of each at equal distances. Each small picture is a mistake."
    )
    return f"""
    <section class="trial" lang="{get_language()}">
      <h3>{heading}</h3>
      <ul>{items}</ul>
      <progress max="{COUNT}" value="{count}" aria-label="{escape(heading)}"></progress>
      <p>{note}</p>
    </section>"""


def _count_mistakes(mistakes: int, count: int) -> str:
    return translate("{mistakes} wrong, {right} right", mistakes=mistakes, right=count - mistakes)


def _render_mistake(digit: int, picture: bytes, answer: int | None) -> str:
    text = translate("{digit} read as {answer}", digit=digit, answer="?" if answer is None else answer)
    url = "data:image/png;base64," + base64.b64encode(picture).decode()
    return f'<img src="{url}" alt="{text}" title="{text}" width="24" height="24">'
