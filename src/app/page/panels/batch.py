"""The answers to several pictures at once, as a table that can be taken along."""

import csv
import io
from collections.abc import Sequence
from typing import Final

import streamlit as st

from src.app.page.errors import PictureRefused, ServiceError
from src.app.page.i18n import say
from src.app.page.inputs import Picture
from src.app.page.panels import retry
from src.app.page.rendering import sureness_in_words
from src.app.page.session import Read, read_all

# what a spreadsheet takes for a formula when it opens the file
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def show_answers(pictures: Sequence[Picture]) -> None:
    """Read the pictures together and show a line for each."""
    header = [say("File"), say("Digit"), say("Remark"), say("Confidence")]
    with st.spinner(say("Reading …")):
        found = read_all([picture for _, picture in pictures])
    lines = [_line(name, read) for (name, _), read in zip(pictures, found, strict=True)]
    # a phone has room for three columns; the file has all four
    st.table([dict(zip(header[:3], line[:3], strict=True)) for line in lines], hide_index=True)
    st.download_button(
        say("Download as CSV"), as_csv([header, *lines]), "digits.csv", "text/csv", key="csv", on_click="ignore"
    )
    if passing := [read for read in found if isinstance(read, ServiceError) and _may_pass(read)]:
        retry.offer(passing[0].wait_s)


def as_csv(lines: Sequence[Sequence[str]]) -> str:
    """Return `lines` as CSV in which no cell is a formula: an apostrophe before it makes it text."""
    file = io.StringIO()
    csv.writer(file).writerows([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in line] for line in lines)
    return file.getvalue()


def _may_pass(error: ServiceError) -> bool:
    """Tell whether asking once more may help: not where the picture is to blame."""
    return error.wait_s is not None or not isinstance(error, PictureRefused)


def _line(name: str, read: Read) -> list[str]:
    if isinstance(read, ServiceError):
        return [name, "", say(read.sentence, **read.values), ""]
    return [name, str(read.prediction), sureness_in_words(read), f"{read.confidence:.3f}"]
