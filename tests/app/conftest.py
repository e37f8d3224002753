import json
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.page.app_page import FRONT, forget
from tests.app.page.test_client import ANSWER
from tests.servers import FakeService


@pytest.fixture
def page(fake_service: FakeService, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """Yield the page in front of the stand-in, before anything is drawn."""
    fake_service.body = json.dumps(ANSWER).encode()
    monkeypatch.setenv("DIGITS_API_URL", fake_service.url)
    monkeypatch.setenv("DIGITS_API_TIMEOUT_S", "0.3")
    forget()
    yield AppTest.from_file(FRONT, default_timeout=30).run()
    forget()
