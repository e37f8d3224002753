"""What a visitor sees at once: before the first stroke, on small screens, and of earlier answers."""

import csv
import re

import pytest
from playwright.sync_api import expect

from src.settings import ROOT
from tests.browser.chromium import OpenPage
from tests.browser.sheet import INVITATION, Sheet, bottom
from tests.browser.states import DESKTOP, PHONE

pytestmark = pytest.mark.browser

SMALL_PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
ZOOMED = {"viewport": {"width": 512, "height": 384}}  # 1024x768 at 200 %
MAX_JUMP = 40  # pixels
HAS_PICTURE = re.compile("data:image/webp")


def test_before_the_first_stroke_samples_can_be_chosen_with_the_keyboard(sheet: Sheet) -> None:
    samples = sheet.answer.get_by_role("button")
    expect(samples).to_have_count(3)
    for sample in samples.all():
        expect(sample).to_have_css("background-image", HAS_PICTURE)
    samples.nth(1).focus()
    sheet.page.keyboard.press("Enter")
    sheet.reads(5)
    expect(sheet.page.get_by_role("radio", name="Samples")).to_be_checked()
    expect(sheet.page.locator(".st-key-sample").get_by_role("radio", checked=True)).to_have_text("5")


def test_every_sample_has_a_thumbnail(sheet: Sheet) -> None:
    sheet.page.get_by_role("radio", name="Samples").click()
    samples = sheet.page.locator(".st-key-sample").get_by_role("radio")
    expect(samples).to_have_count(10)
    for sample in samples.all():
        expect(sample).to_have_css("background-image", HAS_PICTURE)
    pictures = {sample.evaluate("button => getComputedStyle(button).backgroundImage") for sample in samples.all()}
    assert len(pictures) == 10


def test_the_panel_does_not_jump_with_the_first_answer(open_page: OpenPage) -> None:
    sheet = Sheet(open_page(**DESKTOP))
    sheet.wait_until_still()
    before = sheet.measure(sheet.answer)
    sheet.draw(4)
    sheet.reads(4)
    expect(sheet.page.locator("p.model")).to_be_visible()
    expect(sheet.page.locator(".st-key-heat")).to_be_visible()
    sheet.wait_until_still()
    assert abs(bottom(sheet.measure(sheet.answer)) - bottom(before)) <= MAX_JUMP


def test_on_a_wide_screen_the_history_is_below_the_canvas_and_on_a_phone_below_the_answer(sheet: Sheet) -> None:
    sheet.draw(4)
    sheet.reads(4)
    expect(sheet.page.locator("p.model")).to_be_visible()
    sheet.page.set_viewport_size(DESKTOP["viewport"])
    sheet.wait_until_still()
    earlier, answer = sheet.measure(sheet.earlier), sheet.measure(sheet.answer)
    assert earlier["y"] > bottom(sheet.measure(sheet.button("Clear")))
    assert bottom(earlier) < bottom(answer)
    assert earlier["x"] < answer["x"]
    sheet.page.set_viewport_size(PHONE["viewport"])
    sheet.wait_until_still()
    assert sheet.measure(sheet.earlier)["y"] > bottom(sheet.measure(sheet.answer))


@pytest.mark.parametrize("window", [SMALL_PHONE, ZOOMED], ids=["360x640", "200 %"])
def test_digit_and_confidence_are_visible_without_scrolling(open_page: OpenPage, window: dict[str, object]) -> None:
    sheet = Sheet(open_page(**window))
    scroll = "canvas => canvas.scrollIntoView({ block: 'start' })"
    sheet.canvas.evaluate(scroll)
    sheet.draw(4)
    sheet.reads(4)
    expect_in_sight(sheet)
    sheet.clear()
    sheet.canvas.evaluate(scroll)
    sheet.write("10")
    sheet.reads("10")
    expect_in_sight(sheet)


def expect_in_sight(sheet: Sheet) -> None:
    for piece in (".verdict .digit", ".verdict .sure"):
        expect(sheet.answer.locator(piece)).to_be_in_viewport(ratio=1)


def test_an_earlier_answer_is_shown_again_until_something_is_drawn(sheet: Sheet) -> None:
    for digit in (4, 7):
        sheet.draw(digit)
        sheet.reads(digit)
        sheet.clear()
    expect(sheet.earlier).to_have_text(["7", "4"])
    four = sheet.earlier.last.get_by_role("button")
    four.click()
    sheet.reads(4)
    expect(four).to_have_attribute("aria-pressed", "true")
    expect(sheet.page.locator(".st-key-heat")).to_be_visible()
    four.click()
    expect(sheet.answer).to_contain_text(INVITATION)
    four.click()
    sheet.reads(4)
    sheet.draw(2)
    sheet.reads(2)
    expect(sheet.earlier).to_have_text(["2", "7", "4"])


def test_an_earlier_answer_keeps_the_keyboard_focus_while_others_come_and_go(sheet: Sheet) -> None:
    sheet.draw(4)
    sheet.reads(4)
    four = sheet.earlier.last.get_by_role("button")
    four.focus()
    for pressed in ("true", "false"):
        sheet.page.keyboard.press("Enter")
        expect(four).to_have_attribute("aria-pressed", pressed)
        expect(four).to_be_focused()
    sheet.draw(7)  # continues the drawing: its answer replaces the former
    expect(sheet.earlier).to_have_count(1)
    sheet.clear()
    only = sheet.earlier.get_by_role("button")
    only.focus()
    element = only.element_handle()
    sheet.draw(2)
    expect(sheet.earlier).to_have_count(2)
    assert sheet.earlier.last.get_by_role("button").evaluate("(button, element) => button === element", element)


def test_answers_are_saved_with_those_of_files(sheet: Sheet) -> None:
    sheet.draw(4)
    sheet.reads(4)
    sheet.page.get_by_role("radio", name="Files").click()
    files = [ROOT / "data" / "samples" / "3_drawn.png", ROOT / "docs" / "images" / "2026.png"]
    sheet.page.locator("input[type=file]").set_input_files(files)
    expect(sheet.answer.locator(".files tbody tr")).to_have_count(2)
    expect(sheet.answer.locator(".files img")).to_have_count(2)
    expect(sheet.earlier).to_have_text(["2026", "3", "4"])
    with sheet.page.expect_download() as download:
        sheet.page.get_by_role("button", name="Save these answers as CSV").click()
    rows = [*csv.reader(download.value.path().read_text().splitlines())]
    assert [row[:2] for row in rows] == [["File", "Number"], ["", "4"], ["3_drawn.png", "3"], ["2026.png", "2026"]]
