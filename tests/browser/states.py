"""The page in each of its states, one after another, in any language, on any device."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from playwright.sync_api import Page, expect

from src.app.page.i18n import translator
from tests.browser.sheet import INVITATION, Sheet

Say = Callable[[str], str]

DESKTOP: Final[dict[str, Any]] = {"viewport": {"width": 1024, "height": 900}}
PHONE: Final[dict[str, Any]] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
DEVICES: Final = {"desktop": DESKTOP, "phone": PHONE}
THEMES: Final = ("light", "dark")


def states(page: Page, language: str = "en") -> Iterator[str]:
    """Bring the page from one state to the next, and yield the name of each when it is settled."""
    say = translator(language)
    sheet = Sheet(page, say(INVITATION))
    for steps in (_drawing, _experimenting, _uploading, _photographing, _sampling):
        for state in steps(sheet, say):
            page.wait_for_function("document.getAnimations().every((each) => each.playState !== 'running')")
            yield state


def _drawing(sheet: Sheet, say: Say) -> Iterator[str]:
    yield "nothing"
    sheet.draw(4)
    sheet.reads(4)
    expect(sheet.page.locator("p.model")).to_be_visible()
    expect(sheet.page.get_by_text(say("Read in this session"))).to_be_visible()
    sheet.page.mouse.move(0, 0)
    yield "answer"


def _experimenting(sheet: Sheet, say: Say) -> Iterator[str]:
    sheet.unfold("heat", ".heat img")
    sheet.unfold("experiment", ".card")
    expect(sheet.page.locator(".card")).to_have_count(2)
    expect(sheet.page.locator(".st-key-experiment [data-testid=stCaptionContainer]")).to_be_visible()
    yield "networks"
    given = sheet.page.locator(".st-key-experiment [data-testid=stCaptionContainer]").inner_text()
    sheet.page.get_by_text(say("Scramble the pixels"), exact=True).click()
    expect(sheet.page.locator(".card")).to_have_count(3)
    expect(sheet.page.locator(".st-key-experiment [data-testid=stCaptionContainer]")).not_to_have_text(given)
    sheet.page.mouse.move(0, 0)
    yield "scrambled"


def _uploading(sheet: Sheet, say: Say) -> Iterator[str]:
    sheet.page.get_by_role("radio", name=say("Files")).click()
    expect(sheet.answer).to_contain_text(say(INVITATION))
    yield "files"
    junk = {"name": "junk.png", "mimeType": "image/png", "buffer": b"this is no picture"}
    sheet.page.locator("input[type=file]").set_input_files(junk)  # type: ignore[arg-type]
    expect(sheet.answer).to_contain_text(say("No answer yet"))
    yield "failure"


def _photographing(sheet: Sheet, say: Say) -> Iterator[str]:
    sheet.page.get_by_role("radio", name=say("Photo")).click()
    expect(sheet.page.get_by_test_id("stCameraInput")).to_be_visible()
    expect(sheet.answer).to_contain_text(say(INVITATION))
    yield "camera"


def _sampling(sheet: Sheet, say: Say) -> Iterator[str]:
    sheet.page.get_by_role("radio", name=say("Samples")).click()
    sheet.page.locator(".st-key-sample").get_by_text("7", exact=True).click()
    sheet.reads(7)
    yield "sample"
