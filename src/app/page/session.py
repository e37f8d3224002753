"""The requests of a visitor's session: each picture is sent once, however often Streamlit reruns the page for it."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

import streamlit as st

from src.app.page.client import BATCH_SIZE, Model, Part, Prediction, ServiceClient
from src.app.page.errors import ServiceError
from src.settings import get_settings

MAX_PREDICTIONS: Final = 200  # remembered in a session
FORM_OVERHEAD: Final = 300  # bytes that a form adds to each picture

Result = Prediction | ServiceError
Key = tuple[str, Part, str | None]  # a picture's id, the part asked for, the model's version


def predict_once(picture: bytes, part: Part = "steps", model: str | None = None) -> Prediction:
    """Return the prediction for `picture`, from this session's memory if it is there. Raises a `ServiceError`."""
    key = (picture_id(picture), part, model)
    if key not in _predictions():
        _remember(key, get_client().predict(picture, part, model))
    return _predictions()[key]


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
            _remember((name, "details", None), result)
    return [results[picture_id(picture)] for picture in pictures]


def _predict_batch(batch: dict[str, bytes]) -> dict[str, Result]:
    try:
        return dict(zip(batch, get_client().predict_batch(list(batch.values())), strict=True))
    except ServiceError as error:
        return dict.fromkeys(batch, error)


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


def _remember(key: Key, prediction: Prediction) -> None:
    predictions = _predictions()
    predictions[key] = prediction
    if len(predictions) > MAX_PREDICTIONS:
        predictions.pop(next(iter(predictions)))


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
