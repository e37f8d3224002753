"""The answers for several pictures at once, as a table that can be downloaded."""

import csv
import io
from collections.abc import Sequence
from typing import Final

import streamlit as st

from src.app.page.answer import Answer
from src.app.page.errors import ProblemError, ServiceError
from src.app.page.i18n import translate
from src.app.page.inputs import Picture
from src.app.page.number_rendering import answer_label
from src.app.page.panels.retry import offer_retry
from src.app.page.session import answer_all

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")  # of cells that a spreadsheet would run


def show_batch(pictures: Sequence[Picture]) -> None:
    """Send the pictures together and show a row for each."""
    header = [translate("File"), translate("Number"), translate("Remark"), translate("Confidence")]
    with st.spinner(translate("Reading …")):
        results = answer_all([picture for _, picture in pictures])
    rows = [_row(name, result) for (name, _), result in zip(pictures, results, strict=True)]
    # a phone has room for three columns; the file has all four
    st.table([dict(zip(header[:3], row[:3], strict=True)) for row in rows], hide_index=True)
    st.download_button(
        translate("Download as CSV"), to_csv([header, *rows]), "digits.csv", "text/csv", key="csv", on_click="ignore"
    )
    temporary = [result for result in results if isinstance(result, ServiceError) and _is_temporary(result)]
    if temporary:
        offer_retry(temporary[0].wait_s)


def to_csv(rows: Sequence[Sequence[str]]) -> str:
    """Return `rows` as CSV without formulas: a leading apostrophe makes a spreadsheet take such a cell as text."""
    file = io.StringIO()
    csv.writer(file).writerows(
        [f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell for cell in row] for row in rows
    )
    return file.getvalue()


def _is_temporary(error: ServiceError) -> bool:
    """Return whether another try may succeed: not if the picture itself was refused."""
    return error.wait_s is not None or not isinstance(error, ProblemError)


def _row(name: str, result: Answer | ServiceError) -> list[str]:
    if isinstance(result, ServiceError):
        return [name, "", translate(result.sentence, **result.values), ""]
    return [name, result.text, answer_label(result), f"{result.confidence:.3f}"]
