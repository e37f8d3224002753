"""A walk through the states of the page, in any language, on any device."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from playwright.sync_api import Page, expect

from src.app.page.i18n import load_translation
from src.settings import ROOT
from tests.browser.chromium import wait_until
from tests.browser.sheet import CHOOSE_FILE, INVITATION, Sheet
from tests.hand import DIGITS

Translate = Callable[[str], str]

DESKTOP: Final[dict[str, Any]] = {"viewport": {"width": 1024, "height": 900}}
PHONE: Final[dict[str, Any]] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
DEVICES: Final = {"desktop": DESKTOP, "phone": PHONE}
# device, theme and language: of French, which has the longer texts, each width and each theme once
LOOKS: Final[tuple[tuple[str, str, str], ...]] = (
    ("desktop", "light", "en"),
    ("desktop", "dark", "en"),
    ("phone", "light", "en"),
    ("phone", "dark", "en"),
    ("desktop", "dark", "fr"),
    ("phone", "light", "fr"),
)
STATES: Final = (
    "nothing",
    "doubtful",
    "answer",
    "inside",
    "change",
    "networks",
    "scrambled",
    "trial",
    "little",
    "number",
    "files",
    "failure",
    "table",
    "camera",
    "sample",
    "reopened",
)


def states(page: Page, language: str = "en") -> Iterator[str]:
    """Bring the page into each of `STATES` and yield its name once nothing moves any more."""
    translate = load_translation(language)
    sheet = Sheet(page, translate(INVITATION))
    for walk in (_draw, _open_panels, _write, _upload, _open_camera, _choose_sample):
        for state in walk(sheet, translate):
            sheet.wait_until_still()
            yield state


def _draw(sheet: Sheet, translate: Translate) -> Iterator[str]:
    yield "nothing"
    first, second = DIGITS[4]
    sheet.stroke(first)
    expect(sheet.answer.get_by_role("button", name=translate("What would change its mind?"))).to_be_visible()
    wait_until(sheet.page, "() => document.body.dataset.pen === undefined")
    sheet.page.mouse.move(0, 0)
    yield "doubtful"
    sheet.stroke(second)
    sheet.reads(4)
    expect(sheet.page.locator("p.model")).to_be_visible()
    expect(sheet.earlier).to_have_count(1)
    sheet.page.mouse.move(0, 0)
    yield "answer"


def _open_panels(sheet: Sheet, translate: Translate) -> Iterator[str]:
    sheet.open_panel("inside", ".network canvas")
    expect(sheet.page.locator(".network")).to_have_count(2)
    sheet.page.mouse.move(0, 0)
    yield "inside"
    sheet.page.locator(".st-key-inside summary").first.click()
    expect(sheet.page.locator(".network")).to_have_count(0)
    sheet.open_panel("heat", ".heat img")
    sheet.open_panel("change", ".heat.change i")
    yield "change"
    sheet.open_panel("experiment", ".card")
    expect(sheet.page.locator(".card")).to_have_count(2)
    caption = sheet.page.locator(".st-key-experiment [data-testid=stCaptionContainer]")
    expect(caption).to_be_visible()
    yield "networks"
    plain = caption.inner_text()
    sheet.page.get_by_text(translate("Scramble the pixels"), exact=True).click()
    expect(sheet.page.locator(".card")).to_have_count(3)
    expect(caption).not_to_have_text(plain)
    sheet.page.mouse.move(0, 0)
    yield "scrambled"
    sheet.page.locator(".st-key-trial button").click()
    expect(sheet.page.locator(".trial progress")).to_have_attribute("value", "200")
    sheet.page.mouse.move(0, 0)
    yield "trial"


def _write(sheet: Sheet, translate: Translate) -> Iterator[str]:
    sheet.page.get_by_text(translate("Clear"), exact=True).click()
    expect(sheet.answer).to_contain_text(translate(INVITATION))
    sheet.widen()
    sheet.press((50, 50))
    sheet.page.mouse.up()
    expect(sheet.answer).to_contain_text(translate("Too little to read"))
    yield "little"
    sheet.page.get_by_text(translate("Clear"), exact=True).click()
    expect(sheet.answer).to_contain_text(translate(INVITATION))
    sheet.write("12-34", side=80)
    sheet.reads("12?34")
    expect(sheet.earlier.first).to_have_text("12?34 ?")
    sheet.page.mouse.move(0, 0)
    yield "number"


def _upload(sheet: Sheet, translate: Translate) -> Iterator[str]:
    sheet.page.locator(".st-key-experiment summary").click()
    expect(sheet.page.locator(".trial")).to_have_count(0)
    sheet.page.get_by_role("radio", name=translate("Files")).click()
    sheet.page.mouse.move(0, 0)
    expect(sheet.answer).to_contain_text(translate(CHOOSE_FILE))
    yield "files"
    junk = {"name": "junk.png", "mimeType": "image/png", "buffer": b"this is no picture"}
    sheet.page.locator("input[type=file]").set_input_files(junk)  # type: ignore[arg-type]
    expect(sheet.answer).to_contain_text(translate("This file can't be read"))
    yield "failure"
    files = [ROOT / "data" / "samples" / "3_drawn.png", ROOT / "docs" / "images" / "2026.png"]
    sheet.page.locator("input[type=file]").set_input_files(files)
    expect(sheet.answer.locator(".files tbody tr")).to_have_count(3)
    expect(sheet.answer.locator(".files img")).to_have_count(2)  # the third is no picture
    yield "table"


def _open_camera(sheet: Sheet, translate: Translate) -> Iterator[str]:
    sheet.page.get_by_role("radio", name=translate("Photo")).click()
    expect(sheet.page.get_by_test_id("stCameraInput")).to_be_visible()
    expect(sheet.answer).to_contain_text(translate("Take a photo of a digit or a number"))
    yield "camera"


def _choose_sample(sheet: Sheet, translate: Translate) -> Iterator[str]:
    sheet.page.get_by_role("radio", name=translate("Samples")).click()
    sheet.page.locator(".st-key-sample").get_by_text("7", exact=True).click()
    sheet.reads(7)
    yield "sample"
    sheet.earlier.last.get_by_role("button").click()
    sheet.reads(4)
    yield "reopened"
