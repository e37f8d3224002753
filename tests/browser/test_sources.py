"""Pictures that are not drawn: files, the clipboard, the camera, samples. The drawing stays meanwhile."""

import base64

import pytest
from playwright.sync_api import expect

from src.settings import ROOT
from tests.browser.chromium import OpenPage, wait_until
from tests.browser.sheet import INVITATION, Sheet

pytestmark = pytest.mark.browser

COPY = """async (url) => {
  const picture = await (await fetch(url)).blob()
  await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })])
}"""


def test_an_uploaded_picture_is_predicted_and_the_drawing_stays(sheet: Sheet) -> None:
    sheet.draw(7)
    sheet.reads(7)
    png = sheet.drawing.evaluate("(canvas) => canvas.toDataURL().split(',')[1]")
    sheet.clear()
    sheet.draw(2)
    sheet.reads(2)
    sheet.page.get_by_role("radio", name="Files").click()
    expect(sheet.answer).to_contain_text(INVITATION)
    picture = {"name": "seven.png", "mimeType": "image/png", "buffer": base64.b64decode(png)}
    sheet.page.locator("input[type=file]").set_input_files(picture)  # type: ignore[arg-type]
    sheet.reads(7)
    sheet.page.get_by_role("radio", name="Draw").click()
    sheet.reads(2)


def test_several_files_are_listed_in_a_table_that_can_be_downloaded(sheet: Sheet) -> None:
    sheet.page.get_by_role("radio", name="Files").click()
    files = [ROOT / "data" / "samples" / "3_drawn.png", ROOT / "docs" / "images" / "2026.png"]
    sheet.page.locator("input[type=file]").set_input_files(files)
    expect(sheet.answer.get_by_role("row")).to_have_count(3)
    with sheet.page.expect_download() as download:
        sheet.page.get_by_role("button", name="Download as CSV").click()
    header, *lines = download.value.path().read_text().splitlines()
    assert header == "File,Number,Remark,Confidence"
    assert [line.split(",")[:2] for line in lines] == [["3_drawn.png", "3"], ["2026.png", "2026"]]


def test_a_clicked_sample_is_predicted_and_the_drawing_stays(sheet: Sheet) -> None:
    sheet.draw(2)
    sheet.reads(2)
    ink = sheet.ink()
    sheet.page.get_by_role("radio", name="Samples").click()
    sheet.page.locator(".st-key-sample").get_by_text("7", exact=True).click()
    sheet.reads(7)
    sheet.page.get_by_role("radio", name="Draw").click()
    sheet.reads(2)
    assert sheet.ink() == ink


def test_a_file_that_is_not_a_picture_is_refused(sheet: Sheet) -> None:
    sheet.page.get_by_role("radio", name="Files").click()
    junk = {"name": "junk.png", "mimeType": "image/png", "buffer": b"this is no picture"}
    sheet.page.locator("input[type=file]").set_input_files(junk)  # type: ignore[arg-type]
    expect(sheet.answer).to_contain_text("No answer yet")
    expect(sheet.button("Try again")).to_be_visible()


def test_a_pasted_picture_is_predicted_whatever_source_is_open(open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sheet = Sheet(page)
    sample = base64.b64encode((ROOT / "data" / "samples" / "7_drawn.png").read_bytes()).decode()
    page.evaluate(COPY, f"data:image/png;base64,{sample}")
    page.keyboard.press("Control+v")
    sheet.reads(7)
    expect(page.get_by_role("radio", name="Files")).to_be_checked()


def test_a_missing_permission_for_the_camera_is_explained_and_the_drawing_stays(sheet: Sheet) -> None:
    sheet.draw(2)
    sheet.reads(2)
    sheet.page.get_by_role("radio", name="Photo").click()
    camera = sheet.page.get_by_test_id("stCameraInput")
    expect(camera.get_by_role("button")).to_be_disabled()
    text = camera.locator("p", has=sheet.page.locator("a"))
    assert "Allow this page to use your camera" in text.evaluate("p => getComputedStyle(p, '::after').content")
    sheet.page.get_by_role("radio", name="Draw").click()
    sheet.reads(2)


def test_a_photo_is_predicted(open_page: OpenPage) -> None:
    sheet = Sheet(open_page(permissions=["camera"], locale="fr"), invitation="Dessinez un chiffre")
    sheet.page.get_by_role("radio", name="Photo").click()
    button = sheet.page.get_by_test_id("stCameraInput").get_by_role("button")
    expect(button).to_be_enabled()
    assert button.evaluate("button => getComputedStyle(button, '::after').content") == '"Prendre la photo"'
    wait_until(sheet.page, "() => document.querySelector('video')?.readyState >= 2")  # there is something to take
    button.click()
    expect(sheet.answer).not_to_contain_text("Dessinez un chiffre")  # whatever the made-up camera shows
