"""The canvas has one set of buttons, which works by mouse, keyboard and touch."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import OpenPage
from tests.browser.sheet import INVITATION, Sheet
from tests.browser.states import PHONE
from tests.hand import curve

pytestmark = pytest.mark.browser

LEFT, RIGHT = curve([(25, 20), (25, 50), (25, 80)]), curve([(75, 20), (75, 50), (75, 80)])
FOCUSED = """() => {
  let element = document.activeElement
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
  return element?.getAttribute("aria-label") || element?.title || element?.innerText || element?.tagName
}"""


def click_the_pencil_if_it_shows(sheet: Sheet) -> None:
    """Hover over the canvas, as someone who looks for more tools does, and press the tool that ends drawing."""
    sheet.canvas.hover()
    pencil = sheet.page.locator("button[title=Edit]")
    if pencil.is_visible():
        pencil.click()


def test_every_stroke_is_a_new_one_whatever_shows_above_the_canvas(sheet: Sheet) -> None:
    sheet.stroke(LEFT)
    one = sheet.wait_for_ink()
    click_the_pencil_if_it_shows(sheet)
    sheet.stroke(RIGHT)
    sheet.reads("11")
    assert sheet.ink() > 1.8 * one
    sheet.stroke(LEFT)  # over the first: a stroke that is dragged would leave its place
    sheet.button("Undo").click()
    sheet.button("Undo").click()
    sheet.reads(1)
    assert sheet.ink() == one


def test_the_component_shows_no_toolbar(sheet: Sheet) -> None:
    sheet.draw(7)
    for place in (sheet.canvas, sheet.button("Undo")):
        place.hover()
        expect(sheet.page.locator(".dc-toolbar")).to_be_hidden()
    sheet.widen()
    sheet.canvas.hover()
    expect(sheet.page.locator(".dc-toolbar")).to_be_hidden()


def test_a_stroke_starts_in_the_corner_under_the_toolbars_place(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    sheet, finger = Sheet(page), page.context.new_cdp_session(page)
    for number, (x, y) in enumerate(sheet.on_screen([(92, 3), (92, 40), (92, 90)])):
        kind = "touchMove" if number else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    sheet.reads(1)


def test_undo_redo_and_clear_are_in_the_tab_order_once(sheet: Sheet) -> None:
    sheet.draw(4)
    sheet.reads(4)
    names = [name for _ in range(40) for name in tab(sheet.page)]
    first_round = names[: names.index(names[0], 1)] if names[0] in names[1:] else names
    for name in ("Undo", "Redo", "Clear"):
        assert first_round.count(name) == 1, first_round
    assert not {"Edit", "Reset canvas & history", "Update the app with this drawing"} & set(names)


def tab(page: Page) -> list[str]:
    page.keyboard.press("Tab")
    return [str(page.evaluate(FOCUSED)).strip()]


def test_the_keyboard_undoes_redoes_and_clears(sheet: Sheet) -> None:
    sheet.draw(4)
    sheet.reads(4)
    whole = sheet.ink()
    sheet.page.keyboard.press("Control+z")
    expect(sheet.answer.locator(".digit")).not_to_have_text("4")
    for redo in ("Control+y", "Control+Shift+Z"):
        sheet.page.keyboard.press(redo)
        sheet.reads(4)
        assert sheet.ink() == whole
        sheet.page.keyboard.press("Control+z")
        expect(sheet.answer.locator(".digit")).not_to_have_text("4")
    sheet.page.keyboard.press("Delete")
    expect(sheet.answer).to_contain_text(INVITATION)
    sheet.wait_until_blank()


def test_a_key_leaves_the_drawing_alone_while_another_source_is_open(sheet: Sheet) -> None:
    sheet.draw(7)
    sheet.reads(7)
    ink = sheet.ink()
    sheet.page.get_by_role("radio", name="Samples").click()
    sheet.page.locator(".st-key-sample").get_by_text("2", exact=True).click()
    sheet.reads(2)
    for key in ("Delete", "Control+z"):
        sheet.page.keyboard.press(key)
    sheet.page.get_by_role("radio", name="Draw").click()
    sheet.reads(7)
    assert sheet.ink() == ink


def test_clear_can_be_undone_and_redone(sheet: Sheet) -> None:
    sheet.draw(4)
    sheet.reads(4)
    ink = sheet.ink()
    sheet.clear()
    sheet.button("Clear").click()  # there is nothing left to clear
    sheet.button("Undo").click()
    sheet.reads(4)
    assert sheet.ink() == ink
    sheet.button("Redo").click()
    expect(sheet.answer).to_contain_text(INVITATION)
    sheet.button("Undo").click()
    sheet.reads(4)
    sheet.button("Undo").click()
    expect(sheet.answer.locator(".digit")).not_to_have_text("4")
    sheet.button("Redo").click()
    sheet.reads(4)
    assert sheet.ink() == ink


def test_after_another_drawing_clear_can_still_be_undone(sheet: Sheet) -> None:
    sheet.draw(4)
    sheet.reads(4)
    ink = sheet.ink()
    sheet.clear()
    sheet.draw(7)
    sheet.reads(7)
    sheet.button("Undo").click()
    expect(sheet.answer).to_contain_text(INVITATION)
    sheet.button("Undo").click()
    sheet.reads(4)
    assert sheet.ink() == ink
    sheet.button("Redo").click()
    expect(sheet.answer).to_contain_text(INVITATION)
    sheet.button("Redo").click()
    sheet.reads(7)
    sheet.clear()
    sheet.draw(1)
    sheet.reads(1)


def test_clear_on_a_phone_can_be_undone_by_touch(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    sheet = Sheet(page)
    sheet.touch(page.context.new_cdp_session(page), 4)
    sheet.reads(4)
    sheet.button("Clear").tap()
    expect(sheet.answer).to_contain_text(INVITATION)
    sheet.button("Undo").tap()
    sheet.reads(4)
