"""The answers to several pictures at once, as a table that can be taken along."""

import csv
import io
from collections.abc import Sequence

import streamlit as st

from src.app.asking import read_once
from src.app.errors import ServiceError
from src.app.sources import Picture
from src.app.views import sureness_in_words
from src.app.words import say


def show_answers(pictures: Sequence[Picture]) -> None:
    """Read each picture and show a line for it."""
    header = [say("File"), say("Digit"), say("Remark"), say("Confidence")]
    with st.spinner(say("Reading …")):
        lines = [_line(*picture) for picture in pictures]
    # a phone has room for three columns; the file has all four
    st.table([dict(zip(header[:3], line[:3], strict=True)) for line in lines], hide_index=True)
    st.download_button(
        say("Download as CSV"), _csv([header, *lines]), "digits.csv", "text/csv", key="csv", on_click="ignore"
    )


def _line(name: str, picture: bytes) -> list[str]:
    try:
        read = read_once(picture)
    except ServiceError as error:
        return [name, "", say(error.sentence, **error.values), ""]
    return [name, str(read.prediction), sureness_in_words(read), f"{read.confidence:.3f}"]


def _csv(lines: Sequence[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(lines)
    return file.getvalue()
