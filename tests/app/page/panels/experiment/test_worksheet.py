"""The worksheet: its figures and pictures are those of the service's networks, in both languages."""

import base64
import io
import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from starlette.requests import Request

from src.app.page import i18n
from src.app.page.panels.experiment.test_digits import load_test_digits
from src.app.page.panels.experiment.worksheet import KNOWN, SCALE, serve_worksheet
from src.settings import get_settings
from tests.app.page.responses import MODELS
from tests.servers import FakeService

pytestmark = pytest.mark.usefixtures("_networks")

TURNED = list(range(783, -1, -1))  # an order of pixels: turned by a half


@pytest.fixture
def _networks(fake_service: FakeService, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a stand-in for the service have the networks."""
    monkeypatch.setenv("DIGITS_API_URL", fake_service.url)
    accuracies = {"cnn": 0.99, "mlp": 0.93, "cnn-permuted": 0.94, "mlp-permuted": 0.92, "cnn-recovered": 0.98}
    models = [
        model
        | {"parameters": 6400, "test": {"accuracy": accuracies[str(model["network"])], "pictures": 10_000}}
        | ({} if model["network"] in ("cnn", "mlp") else {"order": TURNED})
        for model in MODELS
    ]
    fake_service.others["/api/v1/models"] = json.dumps({"models": models}).encode()
    get_settings.cache_clear()
    st.cache_resource.clear()
    yield
    get_settings.cache_clear()
    st.cache_resource.clear()


def get(query: str = "") -> tuple[int, str]:
    """Return the status and the document."""
    response = serve_worksheet(Request({"type": "http", "query_string": query.encode()}))
    return response.status_code, bytes(response.body).decode()


def pictures(html: str) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Return the pictures of the worksheet at 28x28 pixels."""
    urls = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(url))))[::SCALE, ::SCALE] for url in urls]


def test_the_figures_are_those_of_the_services_networks() -> None:
    html = get("language=en")[1]
    table = html.rpartition("<table>")[2].partition("</table>")[0]
    assert re.findall(r"<td>([^<]+)</td>", table) == ["99.0%", "94.0%", "98.0%", "93.0%", "92.0%", "&ndash;"]
    assert "Of 10,000 digits" in html
    assert html.count("6,400 weights") == 2


def test_the_pictures_are_moved_as_the_networks_see_them() -> None:
    plain, scrambled, other, recovered = pictures(get()[1])
    digit = 255 - np.asarray(Image.open(io.BytesIO(load_test_digits()[KNOWN][1])))
    assert np.array_equal(plain, digit)
    assert np.array_equal(scrambled, digit[::-1, ::-1])
    assert np.array_equal(other, recovered)
    assert not np.array_equal(other, scrambled)


def test_a_recovered_layout_is_turned_upright() -> None:
    assert get()[1].count('style="transform: matrix(-1, 0, 0, -1, 0, 0)"') == 1


@pytest.mark.parametrize(("query", "language", "title", "share"), [
    ("language=fr", "fr", "Pixels mélangés", "99,0 %"),
    ("language=en", "en", "Scrambled pixels", "99.0%"),
    ("language=%22%3E", "en", "Scrambled pixels", "99.0%"),
    ("", "en", "Scrambled pixels", "99.0%"),
])  # fmt: skip
def test_the_worksheet_is_in_the_language_of_its_address(query: str, language: str, title: str, share: str) -> None:
    html = get(query)[1]
    assert f'<html lang="{language}">' in html
    assert f"<h1>{title}</h1>" in html
    assert f"<td>{share}</td>" in html


def test_every_text_of_the_worksheet_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "load_translation", lambda _: lambda text: f"«{text}»")
    body = unescape(re.sub(r"(?s)<(style|script)>.*?</\1>", "", get()[1]))
    text = re.sub(r"<[^>]*>", " ", body) + " ".join(re.findall(r'alt="([^"]*)"', body))
    assert text.count("«") > 40
    translated = 1
    while translated:  # from within: a translated text may stand in another
        text, translated = re.subn(r"«[^«»]*»", "", text)
    assert not re.search(r"[^\W\d_]{2,}", text), text


def test_without_the_service_the_reason_is_given(fake_service: FakeService) -> None:
    del fake_service.others["/api/v1/models"]
    status, html = get("language=fr")
    assert status == 503
    assert "réponse que cette page ne comprend pas" in html


def test_missing_networks_are_reported(fake_service: FakeService) -> None:
    fake_service.others["/api/v1/models"] = b'{"models": []}'
    status, html = get()
    assert status == 404
    assert "does not have the networks" in html


def test_a_service_of_an_earlier_version_has_no_figures(fake_service: FakeService) -> None:
    models = [{key: value for key, value in model.items() if key != "test"} for model in MODELS]
    fake_service.others["/api/v1/models"] = json.dumps({"models": models}).encode()
    table = get()[1].rpartition("<table>")[2]
    assert "%" not in table
