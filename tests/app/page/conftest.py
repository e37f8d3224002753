"""The page in front of a stand-in for the service, without a browser."""

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from src.settings import get_settings
from tests.app.page.app_page import FRONT
from tests.app.page.responses import prediction
from tests.servers import FakeService


@pytest.fixture
def page(fake_service: FakeService, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """Yield the page before anything is drawn. The stand-in answers every picture with a four."""
    fake_service.body = prediction()
    monkeypatch.setenv("DIGITS_API_URL", fake_service.url)
    monkeypatch.setenv("DIGITS_API_TIMEOUT_S", "0.3")
    _clear_caches()
    yield AppTest.from_file(FRONT, default_timeout=30).run()
    _clear_caches()


def _clear_caches() -> None:
    get_settings.cache_clear()
    st.cache_resource.clear()
