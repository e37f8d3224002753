"""What the page asks the service: each picture once, however often the page is run again for it."""

from hashlib import sha256
from typing import Final

import streamlit as st

from src.app.client import Answer, Model, ServiceClient
from src.settings import get_settings

KEPT: Final = 100  # answers of a session


def read_once(picture: bytes) -> Answer:
    """Return what the service reads in `picture`, or read in it before. Raises a `ServiceError`."""
    answers: dict[str, Answer] = st.session_state.setdefault("answers", {})
    name = name_of(picture)
    if name not in answers:
        answers[name] = get_client().read_digit(picture)
        if len(answers) > KEPT:
            answers.pop(next(iter(answers)))
    return answers[name]


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


@st.cache_resource(show_spinner=False)
def get_client() -> ServiceClient:
    """Return the one client that all visitors share."""
    settings = get_settings()
    key = settings.api_keys[0].get_secret_value() if settings.api_keys else None
    return ServiceClient(settings.api_url, settings.api_timeout_s, key)
