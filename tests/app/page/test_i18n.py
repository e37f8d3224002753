"""The page's texts: all of them are in the catalogue, and the catalogue is complete."""

import gettext
import json
import re
from collections.abc import Iterator
from string import Formatter
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Html

from src.app.api.core.problem_types import PROBLEM_TYPES
from src.app.api.routes.openapi import PICTURE_PROBLEMS, REQUEST_PROBLEMS
from src.app.page import i18n
from src.app.page.errors import SENTENCES
from tests.app.page.app_page import FRONT, draw, open_panel
from tests.app.page.responses import NETWORKS, PREDICTION, number, prediction, problem
from tests.pictures import encoded
from tests.servers import FakeService
from tools.text_catalogue import catalogue_file, find_texts, read_catalogue

TRANSLATIONS = [language for language in i18n.LANGUAGES if language != "en"]  # English is what the code says
# problems that only a page and a service of different versions meet: no sentence of the page could help
DIFFERENT_VERSIONS = {"bad-request", "unknown-model", "unsupported-media-type", "invalid-request"}
VISIBLE = re.compile(r'>([^<>]+)<|(?:alt|aria-label|title)="([^"]*)"')


def translated(language: str) -> dict[str, str]:
    return {str(entry.id): str(entry.string) for entry in read_catalogue(language) if entry.id}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_the_catalogue_has_every_text_and_no_other(language: str) -> None:
    texts = translated(language)
    assert set(texts) == find_texts()
    for english, translated_text in texts.items():
        assert translated_text, english
        assert placeholders(translated_text) == placeholders(english), english


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_the_compiled_catalogue_is_up_to_date(language: str) -> None:
    with catalogue_file(language).with_suffix(".mo").open("rb") as file:
        translations = gettext.GNUTranslations(file)
    for english, text in translated(language).items():
        assert translations.gettext(english) == text, "run `python -m tools.text_catalogue`"


def test_every_problem_that_a_visitor_can_meet_has_a_sentence() -> None:
    possible = {*REQUEST_PROBLEMS, *PICTURE_PROBLEMS, "feedback-off", "feedback-full", "feedback-unavailable"}
    assert set(SENTENCES) == possible - DIFFERENT_VERSIONS
    assert set(SENTENCES) < set(PROBLEM_TYPES)


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize(
    ("locale", "language"), [("fr", "fr"), ("fr-CA", "fr"), ("en-GB", "en"), ("de-DE", "en"), (None, "en")]
)
def test_the_page_starts_in_the_browsers_language(locale: str | None, language: str) -> None:
    visit = AppTest.from_file(FRONT, default_timeout=30)
    visit.context["locale"] = locale
    visit.run()
    assert visit.title[0].value == {"en": "Digit reader", "fr": "Lecteur de chiffres"}[language]


def test_the_switch_changes_the_language(page: AppTest) -> None:
    page.session_state["language"] = "fr"
    page.run()
    assert page.title[0].value == "Lecteur de chiffres"


def shown_texts(page: AppTest) -> Iterator[str]:
    """Yield every text that a visitor sees or a screen reader speaks."""
    assert not page.exception
    yield from (element.value for element in [*page.title, *page.caption, *page.markdown])
    for element in [*page.button, *page.button_group, *page.file_uploader, *page.toggle, *page.expander]:
        yield element.label
    for html in page.get("html"):
        body = re.sub(r"(?s)<style>.*?</style>", "", html.body) if isinstance(html, Html) else ""
        yield from (text or label for text, label in VISIBLE.findall(body))


def untranslated(page: AppTest) -> set[str]:
    """Return the texts that the page shows without translating them: those outside « and »."""
    return {text for text in shown_texts(page) if re.search(r"[^\W\d_]{2,}", re.sub(r"«.*»", "", text))}


@pytest.mark.parametrize(
    "change",
    [{}, {"confidence": 0.5}, {"digit_score": 0.1}],
)
def test_every_text_of_an_answer_is_translated(
    page: AppTest, fake_service: FakeService, monkeypatch: pytest.MonkeyPatch, change: dict[str, float]
) -> None:
    monkeypatch.setattr(i18n, "load_translation", lambda _: lambda text: f"«{text}»")
    fake_service.body = prediction(heat=PREDICTION["image"], **change)
    model = {"version": "1", "network": "1", "parameters": 1, "test": {"accuracy": 1, "pictures": 1}}
    fake_service.others["/api/v1/models/0.0.1"] = json.dumps(model).encode()
    fake_service.others["/api/v1/models"] = json.dumps(
        {"models": [model | {"network": kind} for kind in NETWORKS]}
    ).encode()
    fake_service.others["/api/v1/features"] = b'{"feedback": true}'
    draw(page)
    assert untranslated(page) == set()
    for panel, state in (("experiment", {"heat": True}), ("experiment", {"scrambled": True})):
        open_panel(page, panel, **state)
        assert untranslated(page) == set()
    draw(page, strokes=0)
    assert untranslated(page) == set()


@pytest.mark.parametrize(
    "answer",
    [
        number("42"),
        number("4?"),
        number("123456789" * 3),
        number("42", truncated=True),
        number("?", height=10),
    ],
)
def test_every_text_of_a_number_is_translated(
    page: AppTest, fake_service: FakeService, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    monkeypatch.setattr(i18n, "load_translation", lambda _: lambda text: f"«{text}»")
    fake_service.body = prediction(**answer)
    fake_service.others["/api/v1/features"] = b'{"feedback": true}'
    draw(page, encoded(Image.new("L", (200, 100))))
    assert untranslated(page) == set()


@pytest.mark.parametrize("name", [*SENTENCES, ""])
def test_every_text_of_a_failure_is_translated(
    page: AppTest, fake_service: FakeService, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(i18n, "load_translation", lambda _: lambda text: f"«{text}»")
    fake_service.status, fake_service.body = 503, problem("What the service says." if name else None, name)
    fake_service.headers["Retry-After"] = "3"
    draw(page)
    assert untranslated(page) == set()


@pytest.mark.parametrize(("language", "count", "share"), [("en", "271,426", "99.7%"), ("fr", "271\u202f426", "99,7 %")])
def test_numbers_follow_the_language(monkeypatch: pytest.MonkeyPatch, language: str, count: str, share: str) -> None:
    monkeypatch.setattr(i18n, "get_language", lambda: language)
    assert i18n.format_count(271_426) == count
    assert i18n.format_percent(0.9965) == share
