"""The answers for several pictures at once, as a table that can be downloaded."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from src.app.page.answer import Answer
from src.app.page.errors import ServiceError
from src.app.page.i18n import get_language, translate
from src.app.page.inputs.sources import Picture
from src.app.page.number_rendering import answer_label
from src.app.page.panels.csv_file import to_csv
from src.app.page.panels.history import remember
from src.app.page.panels.retry import offer_retry
from src.app.page.rendering import rounded_percent
from src.app.page.session import answer_all, thumbnail_once

Result = Answer | ServiceError


def show_batch(pictures: Sequence[Picture]) -> None:
    """Send the pictures together, show a row for each, and add the answers to the history."""
    with st.spinner(translate("Reading …")):
        results = _read(pictures)
    st.html(_render_table(pictures, results))
    header = [translate("File"), translate("Number"), translate("Remark"), translate("Confidence")]
    rows = [_row(picture.name, result) for picture, result in zip(pictures, results, strict=True)]
    st.download_button(
        translate("Download as CSV"), to_csv([header, *rows]), "digits.csv", "text/csv", key="csv", on_click="ignore"
    )
    for picture, result in zip(pictures, results, strict=True):
        if isinstance(picture.content, bytes) and isinstance(result, Answer):
            remember(picture.content, result, picture.name)
    temporary = [result for result in results if isinstance(result, ServiceError) and result.is_temporary]
    if temporary:
        offer_retry(temporary[0].wait_s)


def _read(pictures: Sequence[Picture]) -> list[Result]:
    """Return an answer or an error for each picture; those that can't be sent have their error already."""
    answers = iter(answer_all([picture.content for picture in pictures if isinstance(picture.content, bytes)]))
    return [next(answers) if isinstance(picture.content, bytes) else picture.content for picture in pictures]


def _render_table(pictures: Sequence[Picture], results: Sequence[Result]) -> str:
    header = "".join(
        f"<th>{text}</th>" for text in ("", translate("File"), translate("Number"), translate("Confidence"))
    )
    rows = "".join(_render_row(*pair) for pair in zip(pictures, results, strict=True))
    return f"""
    <table class="files" lang="{get_language()}"><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>"""


def _render_row(picture: Picture, result: Result) -> str:
    """Return a row: the picture, its name above a remark, what is read, and the confidence."""
    url = thumbnail_once(picture.content) if isinstance(picture.content, bytes) else None
    image = f'<img src="{url}" alt="">' if url else ""
    _, text, remark, _ = _row(picture.name, result)
    name = f"<b>{escape(picture.name)}</b><span>{escape(remark)}</span>"
    if isinstance(result, ServiceError):
        cells = f'<td>{image}</td><td colspan="3">{name}</td>' if image else f'<td colspan="4">{name}</td>'
        return f"<tr>{cells}</tr>"
    doubtful = ' class="doubtful"' if result.is_doubtful else ""
    percent = rounded_percent(result.confidence)
    return f"<tr{doubtful}><td>{image}</td><td>{name}</td><td>{escape(text)}</td><td>{percent}</td></tr>"


def _row(name: str, result: Result) -> list[str]:
    if isinstance(result, ServiceError):
        return [name, "", translate(result.sentence, **result.values), ""]
    return [name, result.text, answer_label(result), f"{result.confidence:.3f}"]
