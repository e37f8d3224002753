"""The real page in a real browser, in front of the real service with the shipped model."""

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import OpenPage, wait_until
from tests.browser.sheet import INVITATION, Sheet
from tests.browser.states import PHONE
from tests.hand import DIGITS, curve
from tests.servers import Server

pytestmark = pytest.mark.browser

WATCH = """() => {
  window.seen = { sent: [], waits: [] }
  const send = WebSocket.prototype.send
  WebSocket.prototype.send = function (...what) { seen.sent.push(performance.now()); return send.apply(this, what) }
  for (const kind of ["mouseup", "touchend"]) addEventListener(kind, () => { seen.ended = performance.now() }, true)
}"""
SCRIBBLE = curve([(20, 20), (80, 80), (80, 20), (20, 80)])


def test_each_drawn_digit_is_predicted_without_a_button(sheet: Sheet) -> None:
    for digit in DIGITS:
        sheet.draw(digit)
        sheet.reads(digit)
        expect(sheet.answer.locator(".sure")).to_contain_text("%")
        sheet.clear()


def test_the_models_input_is_enlarged_with_sharp_pixels(sheet: Sheet) -> None:
    sheet.draw(7)
    seen = sheet.answer.locator(".seen img")
    expect(seen).to_have_css("image-rendering", "pixelated")
    expect(seen).to_have_js_property("naturalWidth", 28)
    expect(seen).to_have_js_property("width", 120)


@pytest.mark.parametrize("hand", ["mouse", "finger"])
def test_a_stroke_is_sent_as_soon_as_it_ends(open_page: OpenPage, hand: str) -> None:
    page = open_page(has_touch=hand == "finger")
    sheet, finger = Sheet(page), page.context.new_cdp_session(page)
    page.evaluate(WATCH)
    for digit in (1, 2, 3):
        if hand == "finger":
            sheet.touch(finger, digit)
        else:
            sheet.draw(digit)
        wait_until(page, "() => seen.sent.some((at) => at >= seen.ended)")
        page.evaluate("() => { seen.waits.push(seen.sent.find((at) => at >= seen.ended) - seen.ended) }")
    assert min(page.evaluate("seen.waits")) < 150  # the canvas by itself waits 200 ms


def test_a_stroke_that_ends_during_a_rerun_is_kept(sheet: Sheet) -> None:
    first, second = DIGITS[4]
    sheet.stroke(first)
    sheet.press(second[0])
    sheet.move(second[1:4])
    expect(sheet.answer.locator(".digit")).to_be_visible()  # the first stroke's answer, with the pen still down
    sheet.move(second[4:])
    sheet.page.mouse.up()
    sheet.reads(4)


def test_undo_removes_the_last_stroke(sheet: Sheet) -> None:
    sheet.draw(1)
    sheet.reads(1)
    ink = sheet.ink()
    seen = sheet.answer.locator(".seen img")
    one = str(seen.get_attribute("src"))
    sheet.stroke(SCRIBBLE)
    expect(sheet.answer.locator(".digit")).not_to_have_text("1")
    sheet.button("Undo").click()
    expect(seen).to_have_attribute("src", one)
    sheet.reads(1)
    assert sheet.ink() == ink


def test_undo_right_after_a_stroke_removes_only_that_stroke(sheet: Sheet) -> None:
    first, second = DIGITS[4]
    sheet.stroke(first)
    sheet.stroke(SCRIBBLE)
    sheet.button("Undo").click()
    sheet.stroke(second)
    sheet.reads(4)


def test_undoing_the_only_stroke_invites_again(sheet: Sheet) -> None:
    sheet.draw(7)
    sheet.reads(7)
    sheet.button("Undo").click()
    expect(sheet.answer).to_contain_text(INVITATION)
    assert sheet.ink() == 0


def test_clear_empties_the_canvas(sheet: Sheet) -> None:
    sheet.draw(4)
    sheet.reads(4)
    sheet.clear()
    assert sheet.ink() == 0
    sheet.draw(2)
    sheet.reads(2)


def test_a_slow_answer_blocks_neither_the_pen_nor_clear(sheet: Sheet, running_service: Server) -> None:
    with running_service.stalled():
        sheet.draw(7)
        expect(sheet.answer).to_contain_text("Reading")
        expect(sheet.answer.get_by_text(INVITATION)).to_be_hidden()
        sheet.button("Clear").click()
        sheet.wait_until_blank()
        expect(sheet.answer).to_contain_text("Reading")
        sheet.draw(2)
        ink = sheet.wait_for_ink()
    sheet.reads(2)
    assert sheet.ink() == ink


def test_redo_restores_the_stroke(sheet: Sheet) -> None:
    sheet.draw(7)
    sheet.reads(7)
    sheet.button("Undo").click()
    expect(sheet.answer).to_contain_text(INVITATION)
    sheet.button("Redo").click()
    sheet.reads(7)


def test_the_page_follows_the_browsers_language_and_the_switch_keeps_the_drawing(open_page: OpenPage) -> None:
    sheet = Sheet(open_page(locale="fr-CA"), invitation="Dessinez un chiffre")
    sheet.draw(4)
    sheet.reads(4)
    ink = sheet.ink()
    expect(sheet.answer).to_contain_text("Ce que le modèle a vu")
    expect(sheet.button("Annuler")).to_be_visible()
    sheet.page.get_by_role("radio", name="English").click()
    expect(sheet.answer).to_contain_text("What the model saw")
    expect(sheet.page).to_have_title("Digit reader")
    assert sheet.ink() == ink
    sheet.button("Undo").click()
    expect(sheet.answer.locator(".digit")).not_to_have_text("4")
    sheet.button("Redo").click()
    sheet.reads(4)


def test_panels_stay_open_in_another_language_and_for_the_next_digit(sheet: Sheet) -> None:
    sheet.draw(4)
    sheet.reads(4)
    sheet.open_panel("heat", ".heat img")
    sheet.open_panel("experiment", ".card")
    sheet.page.get_by_text("Scramble the pixels", exact=True).click()
    cards, glow = sheet.page.locator(".card"), sheet.page.locator(".heat img").first
    expect(cards).to_have_count(3)
    sheet.page.get_by_role("radio", name="Français").click()
    expect(cards.first).to_contain_text("CNN, pixels mélangés")
    expect(glow).to_be_visible()
    sheet.button("Effacer").click()
    expect(cards).to_have_count(0)
    sheet.draw(1)
    expect(cards).to_have_count(3)
    expect(glow).to_be_visible()


def test_the_drawing_survives_an_outage_of_the_service(sheet: Sheet, running_service: Server) -> None:
    running_service.stop()
    try:
        sheet.draw(2)
        expect(sheet.answer).to_contain_text("The service can't be reached right now.")
        ink = sheet.ink()
        assert ink > 0
        sheet.button("Try again").click()
        expect(sheet.answer).to_contain_text("can't be reached")
    finally:
        running_service.start()
    sheet.reads(2)  # without a click
    assert sheet.ink() == ink


def test_a_finger_draws_on_a_phone(open_page: OpenPage) -> None:
    page = open_page(**PHONE, device_scale_factor=2)
    sheet = Sheet(page)
    sheet.touch(page.context.new_cdp_session(page), 4)
    sheet.reads(4)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    sheet.button("Undo").tap()
    sheet.button("Undo").tap()
    expect(sheet.answer).to_contain_text(INVITATION)


def test_nothing_overflows_at_any_width(sheet: Sheet) -> None:
    sheet.draw(7)
    sheet.reads(7)
    sheet.open_panel("heat", ".heat img")
    sheet.open_panel("experiment", ".card")
    panels = [sheet.page.locator(".heat"), sheet.page.locator(".card").last]
    pieces = [sheet.canvas, sheet.button("Clear"), sheet.answer, sheet.answer.locator(".way"), *panels]
    sheet.expect_no_overflow(pieces, (320, 360, 719, 721, 1280))
