"""Pictures that are not drawn: files, the clipboard, the camera, samples. The drawing stays meanwhile."""

import base64

import pytest
from playwright.sync_api import expect

from src.app.page.i18n import load_translation
from src.settings import ROOT
from tests.browser.chromium import OpenPage, wait_until
from tests.browser.sheet import CHOOSE_FILE, INVITATION, Sheet

pytestmark = pytest.mark.browser

TOO_LARGE = b"\x89PNG" + bytes(11_000_000)
REFUSED = {
    "IMG_1.heic": (
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
        "This is a HEIC photo, as iPhones take them. Share it as JPEG, or take a screenshot of it, and choose that.",
    ),
    "notes.txt": (b"a four", "This file can't be read as a picture. Use PNG, JPEG, WebP, GIF, BMP or TIFF."),
    "scan.tiff": (TOO_LARGE, "The file is too large. Scale the picture down: 1000 pixels per side is enough."),
}
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
    expect(sheet.answer).to_contain_text(CHOOSE_FILE)
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


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("file", REFUSED)
def test_a_refused_file_is_explained_with_a_remedy(open_page: OpenPage, locale: str, file: str) -> None:
    translate = load_translation(locale)
    page = open_page(locale=locale)
    sheet = Sheet(page, invitation=translate(INVITATION))
    page.get_by_role("radio", name=translate("Files")).click()
    expect(sheet.answer).to_contain_text(translate(CHOOSE_FILE))
    content, sentence = REFUSED[file]
    upload = {"name": file, "mimeType": "image/png", "buffer": content}
    page.locator("input[type=file]").set_input_files(upload)  # type: ignore[arg-type]
    expect(sheet.answer).to_contain_text(translate("This file can't be read"))
    expect(sheet.answer).to_contain_text(translate(sentence))
    expect(sheet.answer.get_by_role("button")).to_have_count(0)  # another try would be refused, too
    page.get_by_test_id("stFileChipDeleteBtn").get_by_role("button").click()
    expect(sheet.answer).to_contain_text(translate(CHOOSE_FILE))


def test_a_refused_file_does_not_keep_others_from_being_read(sheet: Sheet) -> None:
    sheet.page.get_by_role("radio", name="Files").click()
    too_large = {"name": "scan.tiff", "mimeType": "image/tiff", "buffer": TOO_LARGE}
    sheet.page.locator("input[type=file]").set_input_files(too_large)  # type: ignore[arg-type]
    expect(sheet.answer).to_contain_text("This file can't be read")
    sheet.page.locator("input[type=file]").set_input_files(ROOT / "data" / "samples" / "3_drawn.png")
    expect(sheet.answer.locator("tbody tr")).to_have_count(2)
    expect(sheet.answer.locator("tbody tr").first).to_contain_text("3_drawn.png")
    expect(sheet.answer.locator("tbody tr").last).to_contain_text("The file is too large.")


def test_without_a_camera_the_page_says_so_once_and_offers_an_upload(sheet: Sheet) -> None:
    page = sheet.page
    page.add_init_script("navigator.mediaDevices.enumerateDevices = async () => []")
    page.reload()
    page.get_by_role("radio", name="Photo").click()
    expect(sheet.answer).to_contain_text("There is no camera here")
    expect(page.get_by_test_id("stCameraInput")).to_have_count(0)
    page.get_by_role("button", name="Upload a picture").click()
    expect(page.get_by_role("radio", name="Files")).to_be_checked()
    expect(sheet.answer).to_contain_text(CHOOSE_FILE)


def test_a_page_without_https_has_no_camera(sheet: Sheet) -> None:
    page = sheet.page
    page.add_init_script("delete Navigator.prototype.mediaDevices")
    page.reload()
    page.get_by_role("radio", name="Photo").click()
    expect(sheet.answer).to_contain_text("There is no camera here")


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
