"""The worksheet opens from the experiment, prints as one page of A4, and is accessible."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from src.settings import ROOT
from tests.browser.chromium import OpenPage
from tests.browser.states import DEVICES
from tests.browser.visit import find_obstacles
from tests.servers import Server

pytestmark = pytest.mark.browser

TITLES = {"en": "Scrambled pixels", "fr": "Pixels mélangés"}
A4_POINTS = (595, 842)
IS_OF_ONE_SCREEN = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
PDFS = ROOT / "build" / "worksheets"  # not in git; to be looked at


def open_worksheet(open_page: OpenPage, server: Server, language: str, **options: object) -> Page:
    page = open_page(**options)
    page.goto(f"{server.url}/worksheet?language={language}")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES[language])
    return page


def printed_pages(file: Path) -> list[tuple[int, int]]:
    """Return the width and height of each page of a PDF file by Chromium, in points."""
    pages = re.findall(rb"/Type /Page\b[^s].*?/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", file.read_bytes(), re.DOTALL)
    return [(round(float(width)), round(float(height))) for width, height in pages]


@pytest.mark.parametrize("language", TITLES)
def test_the_experiment_links_to_the_worksheet_in_its_language(open_page: OpenPage, language: str) -> None:
    page = open_page(locale=language)
    expect(page.locator("canvas.upper-canvas")).to_be_visible()
    page.locator(".st-key-experiment summary").click()
    with page.expect_popup() as popup:
        page.locator(".st-key-experiment a[href*=worksheet]").click()
    worksheet = popup.value
    expect(worksheet.get_by_role("heading", level=1)).to_have_text(TITLES[language])
    worksheet.close()


@pytest.mark.parametrize("language", TITLES)
def test_the_worksheet_is_one_page_of_a4(open_page: OpenPage, running_page: Server, language: str) -> None:
    page = open_worksheet(open_page, running_page, language)
    PDFS.mkdir(parents=True, exist_ok=True)
    file = PDFS / f"{language}.pdf"
    page.pdf(path=file, prefer_css_page_size=True)
    assert printed_pages(file) == [A4_POINTS]


def test_the_button_prints(open_page: OpenPage, running_page: Server) -> None:
    page = open_worksheet(open_page, running_page, "en")
    page.evaluate("window.print = () => { document.title = 'printed' }")
    page.get_by_role("button", name="Print").click()
    expect(page).to_have_title("printed")
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("language", TITLES)
def test_the_worksheet_has_no_obstacle_on_a_screen(
    open_page: OpenPage, running_page: Server, device: str, language: str
) -> None:
    page = open_worksheet(open_page, running_page, language, color_scheme="dark", **DEVICES[device])
    assert find_obstacles(page) == []
    assert page.evaluate(IS_OF_ONE_SCREEN)
