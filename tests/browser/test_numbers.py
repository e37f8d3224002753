"""Numbers on the real page, in front of the real service: drawn, on paper of either width, and in files."""

import re

import pytest
from playwright.sync_api import Page, expect

from src.settings import ROOT
from tests.browser.chromium import OpenPage
from tests.browser.sheet import CHOOSE_FILE, DASH, INVITATION, Sheet, bottom

pytestmark = pytest.mark.browser

PHONE = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
YEAR = "2026"
STEP = 66  # from one digit that a finger writes to the next, in hundredths of the height
BOXES = """boxes => boxes.map(box => {
  const outer = box.parentElement.getBoundingClientRect(), { x, width } = box.getBoundingClientRect()
  return [(x - outer.x) / outer.width, (x + width - outer.x) / outer.width]
})"""


def test_a_number_is_read_with_a_box_and_a_confidence_for_each_digit(sheet: Sheet) -> None:
    sheet.write("10")
    sheet.reads("10")
    expect(sheet.answer.locator(".boxes i")).to_have_count(2)
    expect(sheet.answer.locator(".digits li")).to_have_count(2)
    expect(sheet.answer.locator(".digits li").first).to_have_text(re.compile(r"^1>?\d\d%$"))
    expect(sheet.earlier.first).to_have_text("10")


def test_touching_digits_are_read(sheet: Sheet) -> None:
    sheet.write("42", side=68, step=0.42)
    sheet.reads("42")


def test_a_year_is_read_on_wide_paper_with_the_boxes_where_the_digits_are(sheet: Sheet) -> None:
    sheet.widen()
    sheet.write("2026", side=90)
    sheet.reads("2026")
    expect(sheet.answer.locator(".boxes img")).to_have_js_property("complete", value=True)
    boxes = sheet.answer.locator(".boxes i").evaluate_all(BOXES)
    squares = [(3 + 0.62 * 90 * index, 90) for index in range(4)]  # hundredths of the height
    for (left, right), (start, side) in zip(boxes, squares, strict=True):
        assert start / 300 < left < right < (start + side) / 300


def test_a_single_digit_on_wide_paper_looks_like_any_other(sheet: Sheet) -> None:
    sheet.widen()
    sheet.write("7", side=90)
    sheet.reads(7)
    expect(sheet.answer.locator(".shares li")).to_have_count(10)
    expect(sheet.answer.locator(".boxes")).to_have_count(0)


def test_a_dash_between_digits_is_reported(sheet: Sheet) -> None:
    sheet.widen()
    sheet.write("12-34", side=80)
    sheet.reads("12?34")
    expect(sheet.answer.locator(".digits li.other")).to_contain_text("not a digit")


def test_the_answer_follows_when_the_paper_is_narrowed_and_widened(sheet: Sheet) -> None:
    sheet.widen()
    sheet.write("75", side=90, step=1.5)
    sheet.reads("75")
    sheet.widen()
    sheet.reads(7)
    sheet.widen()
    sheet.reads("75")
    sheet.button("Undo").click()
    sheet.reads(7)


@pytest.mark.parametrize("stroke", [[(50, 50)], DASH], ids=["click", "dash"])
@pytest.mark.parametrize("wide", [False, True])
def test_a_click_or_a_dash_is_too_little_to_read(sheet: Sheet, stroke: list[tuple[float, float]], wide: bool) -> None:
    if wide:
        sheet.widen()
    sheet.stroke(stroke)
    expect(sheet.answer).to_contain_text("Too little to read")
    expect(sheet.answer).to_contain_text("Draw a digit or a number.")
    expect(sheet.earlier).to_have_count(0)
    sheet.clear()


def test_a_click_is_explained_in_french(open_page: OpenPage) -> None:
    sheet = Sheet(open_page(locale="fr"), invitation="Dessinez un chiffre ou un nombre")
    sheet.stroke([(50, 50)])
    expect(sheet.answer).to_contain_text("Trop peu à lire")
    expect(sheet.answer).to_contain_text("Un point ou un tiret ne suffit pas.")


def touch_year(page: Page, sheet: Sheet) -> None:
    """Write a year on wide paper with a finger, and wait until it is read."""
    sheet.widen()
    finger = page.context.new_cdp_session(page)
    for place, digit in enumerate(YEAR):
        sheet.touch(finger, int(digit), left=STEP * place)
    sheet.reads(YEAR)


@pytest.mark.parametrize(("width", "height"), [(360, 640), (390, 844)])
def test_a_finger_writes_a_number_on_a_phone(open_page: OpenPage, width: int, height: int) -> None:
    page: Page = open_page(viewport={"width": width, "height": height}, **PHONE)
    sheet = Sheet(page)
    touch_year(page, sheet)
    expect(sheet.answer.locator(".shares")).to_have_count(0)  # the bars of a single digit
    expect(sheet.answer.locator(".boxes img")).to_have_js_property("complete", value=True)
    boxes = sheet.answer.locator(".boxes i").evaluate_all(BOXES)
    for place, (left, right) in enumerate(boxes):
        assert STEP * place / 300 < left < right < (STEP * place + 100) / 300
    digits = sheet.answer.locator(".digits li")
    expect(digits).to_have_text([re.compile(rf"^{digit}>?\d\d%$") for digit in YEAR])
    for piece in (sheet.canvas, *sheet.answer.locator(".boxes i").all(), *digits.all()):
        expect(piece).to_be_in_viewport(ratio=0.99)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_number_is_not_hidden_under_the_answer_at_the_edge_of_a_phone(open_page: OpenPage) -> None:
    page: Page = open_page(viewport={"width": 360, "height": 640}, **PHONE)
    sheet = Sheet(page)
    touch_year(page, sheet)
    sheet.wait_until_still()
    edge = sheet.measure(sheet.answer.locator(".verdict"))
    last = sheet.measure(sheet.answer.locator(".digits li").last)
    assert bottom(last) <= edge["y"]


def test_a_finger_writes_two_digits_on_the_narrow_paper_of_a_phone(open_page: OpenPage) -> None:
    page: Page = open_page(viewport={"width": 390, "height": 844}, **PHONE)
    sheet = Sheet(page)
    finger = page.context.new_cdp_session(page)
    sheet.touch(finger, 1, left=-25)
    sheet.touch(finger, 7, left=20)
    sheet.reads("17")
    expect(sheet.answer.locator(".boxes i")).to_have_count(2)
    expect(sheet.answer.locator(".digits li")).to_have_count(2)


def test_no_part_of_a_number_overflows_at_any_width(sheet: Sheet) -> None:
    sheet.widen()
    sheet.write("2026", side=90)
    sheet.reads("2026")
    pieces = [
        sheet.canvas,
        sheet.button("Clear"),
        sheet.answer,
        *map(sheet.answer.locator, (".digit", ".boxes", ".digits")),
    ]
    sheet.expect_no_overflow(pieces, (320, 360, 719, 721, 737, 1280))


def test_a_number_in_a_file_is_read_and_the_paper_keeps_its_width(sheet: Sheet) -> None:
    sheet.widen()
    sheet.page.get_by_role("radio", name="Files").click()
    expect(sheet.answer).to_contain_text(CHOOSE_FILE)
    sheet.page.locator("input[type=file]").set_input_files(ROOT / "docs" / "images" / "2026.png")
    sheet.reads("2026")
    expect(sheet.answer.locator(".boxes i")).to_have_count(4)
    sheet.page.get_by_role("radio", name="Draw").click()
    expect(sheet.answer).to_contain_text(INVITATION)
    expect(sheet.drawing).to_have_js_property("width", 960)
