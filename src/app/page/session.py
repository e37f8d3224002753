"""What the page asks the service: each picture once, however often the page is run again for it."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

import streamlit as st

from src.app.page.client import BATCH, Answer, Model, Part, ServiceClient
from src.app.page.errors import ServiceError
from src.settings import get_settings

KEPT: Final = 200  # answers of a session
HEAD: Final = 300  # bytes that a form has more for each picture

Read = Answer | ServiceError


def read_once(picture: bytes, part: Part = "steps", model: str | None = None) -> Answer:
    """Return what a network reads in `picture`, or read in it before, with a `part`. Raises a `ServiceError`."""
    key = (name_of(picture), part, model)
    if key not in _answers():
        _keep(key, get_client().read_digit(picture, part, model))
    return _answers()[key]


def read_all(pictures: Sequence[bytes]) -> list[Read]:
    """Return what is read in each picture, or why nothing is; those that weren't read before go out together."""
    found: dict[str, Read] = {}
    waiting: dict[str, bytes] = {}
    for picture in pictures:
        name = name_of(picture)
        if known := _answers().get((name, "details", None)):
            found[name] = known
        else:
            waiting[name] = picture
    for batch in _batches(waiting):
        found |= _read_batch(batch)
    for name in waiting:
        if isinstance(read := found[name], Answer):
            _keep((name, "details", None), read)
    return [found[name_of(picture)] for picture in pictures]


def _read_batch(batch: dict[str, bytes]) -> dict[str, Read]:
    try:
        return dict(zip(batch, get_client().read_digits(list(batch.values())), strict=True))
    except ServiceError as error:
        return dict.fromkeys(batch, error)


def _batches(pictures: dict[str, bytes]) -> Iterator[dict[str, bytes]]:
    """Yield as many pictures at a time as the service takes in a request; one that is too large goes alone."""
    batch: dict[str, bytes] = {}
    room = most = get_settings().max_body_bytes
    for name, picture in pictures.items():
        need = len(picture) + HEAD
        if batch and (len(batch) == BATCH or need > room):
            yield batch
            batch, room = {}, most
        batch[name] = picture
        room -= need
    if batch:
        yield batch


def _answers() -> dict[tuple[str, Part, str | None], Answer]:
    answers: dict[tuple[str, Part, str | None], Answer] = st.session_state.setdefault("answers", {})
    return answers


def _keep(key: tuple[str, Part, str | None], answer: Answer) -> None:
    answers = _answers()
    answers[key] = answer
    if len(answers) > KEPT:
        answers.pop(next(iter(answers)))


def name_of(picture: bytes) -> str:
    """Return what a picture is known by."""
    return sha256(picture).hexdigest()


@st.cache_resource(ttl=60, show_spinner=False)
def takes_feedback() -> bool:
    """Tell whether the service takes corrections. Raises a `ServiceError`."""
    return get_client().takes_feedback()


@st.cache_resource(show_spinner=False)
def describe(version: str) -> Model:
    """Return what a network is: a version stays what it is. Raises a `ServiceError`."""
    return get_client().describe(version)


@st.cache_resource(ttl=60, show_spinner=False)
def networks() -> dict[str, Model]:
    """Return the newest network of each kind. Raises a `ServiceError`."""
    return {model.network: model for model in reversed(get_client().networks())}


@st.cache_resource(show_spinner=False)
def get_client() -> ServiceClient:
    """Return the one client that all visitors share."""
    settings = get_settings()
    key = settings.api_keys[0].get_secret_value() if settings.api_keys else None
    return ServiceClient(settings.api_url, settings.api_timeout_s, key)
