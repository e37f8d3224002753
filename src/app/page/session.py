"""The requests of a visitor's session: each picture is sent once, however often Streamlit reruns the page for it."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final, TypeVar

import streamlit as st

from src.app.page.answer import Answer, is_number, is_too_little
from src.app.page.client import BATCH_SIZE, Model, Part, Prediction, ServiceClient
from src.app.page.errors import ServiceError, TooLittleInkError
from src.app.page.preview import Preview, make_preview
from src.settings import get_settings

MAX_PREDICTIONS: Final = 200  # remembered in a session
THUMBNAIL_SIDE: Final = 96  # pixels
FORM_OVERHEAD: Final = 300  # bytes that a form adds to each picture

K = TypeVar("K")
T = TypeVar("T")

Result = Prediction | ServiceError
Key = tuple[str, Part, str | None]  # a picture's id, the part asked for, the model's version


def predict_once(picture: bytes, part: Part = "steps", model: str | None = None) -> Prediction:
    """Return the prediction for `picture`, from this session's memory if it is there. Raises a `ServiceError`."""
    key = (picture_id(picture), part, model)
    if key not in _predictions():
        _remember(_predictions(), key, get_client().predict(picture, part, model))
    return _predictions()[key]


def answer_once(picture: bytes) -> Answer:
    """Return the answer for `picture`. Raises a `ServiceError`."""
    return _interpret(picture, predict_once(picture))


def answer_all(pictures: Sequence[bytes]) -> list[Answer | ServiceError]:
    """Return an answer or an error for each picture."""
    return [_try_to_interpret(*pair) for pair in zip(pictures, predict_all(pictures), strict=True)]


def _try_to_interpret(picture: bytes, result: Result) -> Answer | ServiceError:
    if isinstance(result, ServiceError):
        return result
    try:
        return _interpret(picture, result)
    except TooLittleInkError as error:
        return error


def _interpret(picture: bytes, prediction: Prediction) -> Answer:
    """Return the answer for a picture with a prediction. Raises `TooLittleInkError`."""
    if is_too_little(picture, prediction):
        raise TooLittleInkError
    return Answer(prediction, is_number(prediction))


def preview_once(picture: bytes) -> Preview | None:
    """Return a copy of `picture` for the browser; the latest is remembered."""
    name = picture_id(picture)
    if st.session_state.get("preview", ("", None))[0] != name:
        st.session_state["preview"] = (name, make_preview(picture))
    preview: Preview | None = st.session_state["preview"][1]
    return preview


def thumbnail_once(picture: bytes) -> str | None:
    """Return a small copy of `picture` as a data URL, from this session's memory if it is there."""
    thumbnails: dict[str, str | None] = st.session_state.setdefault("thumbnails", {})
    name = picture_id(picture)
    if name not in thumbnails:
        preview = make_preview(picture, THUMBNAIL_SIDE)
        url = preview.url if preview else None
        _remember(thumbnails, name, url)
    return thumbnails[name]


def predict_all(pictures: Sequence[bytes]) -> list[Result]:
    """Return a prediction or an error for each picture; those that are new go out in as few requests as possible."""
    results: dict[str, Result] = {}
    unknown: dict[str, bytes] = {}
    for picture in pictures:
        name = picture_id(picture)
        if known := _predictions().get((name, "details", None)):
            results[name] = known
        else:
            unknown[name] = picture
    for batch in _split_into_batches(unknown):
        results |= _predict_batch(batch)
    for name in unknown:
        if isinstance(result := results[name], Prediction):
            _remember(_predictions(), (name, "details", None), result)
    return [results[picture_id(picture)] for picture in pictures]


def _predict_batch(batch: dict[str, bytes]) -> dict[str, Result]:
    try:
        return dict(zip(batch, get_client().predict_batch(list(batch.values())), strict=True))
    except ServiceError as error:
        return dict.fromkeys(batch, error)


def read_digits_once(pictures: Sequence[bytes], model: str) -> list[int | None]:
    """Return the digit that a network reads on each of at most `BATCH_SIZE` pictures; each is sent once in a session.

    None stands for a picture that can't be read. Raises a `ServiceError`.
    """
    known: dict[tuple[str, str], int | None] = st.session_state.setdefault("digits", {})
    ids = [picture_id(picture) for picture in pictures]
    unknown = {name: picture for name, picture in zip(ids, pictures, strict=True) if (name, model) not in known}
    if unknown:
        digits = get_client().read_digits(list(unknown.values()), model)
        known |= {(name, model): digit for name, digit in zip(unknown, digits, strict=True)}
        st.session_state["digits"] = known
    return [known[name, model] for name in ids]


def _split_into_batches(pictures: dict[str, bytes]) -> Iterator[dict[str, bytes]]:
    """Yield as many pictures at a time as the service accepts in a request; one that is too large goes alone."""
    batch: dict[str, bytes] = {}
    limit = get_settings().max_body_bytes
    size = 0
    for name, picture in pictures.items():
        needed = len(picture) + FORM_OVERHEAD
        if batch and (len(batch) == BATCH_SIZE or size + needed > limit):
            yield batch
            batch, size = {}, 0
        batch[name] = picture
        size += needed
    if batch:
        yield batch


def _predictions() -> dict[Key, Prediction]:
    predictions: dict[Key, Prediction] = st.session_state.setdefault("predictions", {})
    return predictions


def _remember(results: dict[K, T], key: K, result: T) -> None:
    results[key] = result
    if len(results) > MAX_PREDICTIONS:
        results.pop(next(iter(results)))


def picture_id(picture: bytes) -> str:
    """Return the digest that identifies a picture in this session."""
    return sha256(picture).hexdigest()


@st.cache_resource(ttl=60, show_spinner=False)
def accepts_feedback() -> bool:
    """Return whether the service stores corrected pictures. Raises a `ServiceError`."""
    return get_client().accepts_feedback()


@st.cache_resource(show_spinner=False)
def describe_model(version: str) -> Model:
    """Return the description of a network; a version never changes. Raises a `ServiceError`."""
    return get_client().describe_model(version)


@st.cache_resource(ttl=60, show_spinner=False)
def list_networks() -> dict[str, Model]:
    """Return the newest model of each kind of network, by kind. Raises a `ServiceError`."""
    return {model.network: model for model in reversed(get_client().list_models())}


@st.cache_resource(show_spinner=False)
def get_client() -> ServiceClient:
    """Return the client that all visitors share."""
    settings = get_settings()
    key = settings.api_keys[0].get_secret_value() if settings.api_keys else None
    return ServiceClient(settings.api_url, settings.api_timeout_s, key)
