"""Uploaded files, several at once, and samples."""

import csv
import json
import re

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from src.app.page.panels.csv_file import to_csv
from src.settings import ROOT, get_settings
from tests.app.page.app_page import html_with, shown
from tests.app.page.responses import PREDICTION, number, problem
from tests.pictures import encoded
from tests.servers import FakeService

BATCH = "/api/v1/predict/batch?details=true"
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
CELL = re.compile(r"<td[^>]*>(.*?)</td>")
REFUSED = json.loads(problem("No picture.", "unsupported-format"))


def choose(page: AppTest, source: str) -> AppTest:
    page.session_state["source"] = source
    return page.run()


def upload(page: AppTest, *pictures: bytes) -> list[list[str]]:
    """Choose files and return the rows of the table."""
    choose(page, "upload")
    uploader = page.file_uploader(key="file")
    for index, picture in enumerate(pictures):
        uploader.upload(f"{index}.png", picture, "image/png")
    page.run()
    return rows(page)


def rows(page: AppTest) -> list[list[str]]:
    """Return the rows of the table: the file's name, what is read, the remark and the confidence."""
    [table] = html_with(page, '<table class="files"')
    result = []
    for row in table.partition("<tbody>")[2].split("</tr>")[:-1]:
        cells = CELL.findall(row)
        name, *read = cells[1:] or cells  # after the picture, if there is one
        file, remark = re.findall(r"<b>(.*?)</b><span>(.*?)</span>", name)[0]
        number, confidence = read or ("", "")
        result.append([file, number, remark, confidence])
    return result


def answer(fake: FakeService, *answers: object) -> None:
    fake.body = json.dumps({"answers": answers}).encode()


def test_several_files_are_sent_together_and_get_a_row_each(page: AppTest, fake_service: FakeService) -> None:
    answer(fake_service, PREDICTION, PREDICTION | {"prediction": 7})
    assert upload(page, b"PNG a", b"PNG b") == [
        ["0.png", "4", "Probably", "91%"],
        ["1.png", "7", "Probably", "91%"],
    ]
    assert fake_service.paths == [BATCH]


def test_numbers_get_a_row_with_their_zeros_in_the_table_and_in_the_file(
    page: AppTest, fake_service: FakeService
) -> None:
    answer(fake_service, PREDICTION, number("007", "42"))
    table = upload(page, b"PNG a", b"PNG b")
    assert table == [["0.png", "4", "Probably", "91%"], ["1.png", "007 42", "Quite sure", "95%"]]
    assert list(csv.reader(to_csv(table).splitlines()))[1][1] == "007 42"
    page.run()
    assert fake_service.paths == [BATCH]


def test_a_dash_is_reported_in_its_row(page: AppTest, fake_service: FakeService) -> None:
    answer(fake_service, PREDICTION, number("?", height=10))
    table = upload(page, encoded(Image.new("L", (200, 199))), encoded(Image.new("L", (200, 200))))
    assert table[0] == ["0.png", "4", "Probably", "91%"]
    assert table[1][1] == ""
    assert "A dot or a dash is not enough." in table[1][2]


def test_one_bad_file_is_reported_in_its_row_without_a_retry(page: AppTest, fake_service: FakeService) -> None:
    answer(fake_service, REFUSED, PREDICTION)
    first, second = upload(page, b"junk", b"PNG b")
    assert first[:2] == ["0.png", ""]
    assert first[2].startswith("This file can&#x27;t be read as a picture.")
    assert second == ["1.png", "4", "Probably", "91%"]
    assert not page.button


def test_each_file_is_sent_once(page: AppTest, fake_service: FakeService) -> None:
    answer(fake_service, PREDICTION)
    assert [line[1] for line in upload(page, b"PNG a", b"PNG a")] == ["4", "4"]
    page.run()
    assert fake_service.paths == [BATCH]


def test_files_too_large_for_one_request_are_sent_in_several(
    page: AppTest, fake_service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITS_MAX_BODY_BYTES", "2000")
    get_settings.cache_clear()
    answer(fake_service, PREDICTION)
    table = upload(page, *(bytes([number]) * 1000 for number in range(3)))
    assert [row[1] for row in table] == ["4", "4", "4"]
    assert fake_service.paths == [BATCH] * 3


def test_a_failed_batch_is_reported_for_each_file_and_can_be_retried(page: AppTest, fake_service: FakeService) -> None:
    fake_service.status, fake_service.body = 503, problem("Busy.", "too-busy")
    fake_service.headers["Retry-After"] = "3"
    assert all("The service is busy." in line[2] for line in upload(page, b"PNG a", b"PNG b"))
    fake_service.status = 200
    answer(fake_service, PREDICTION, PREDICTION)
    page.button(key="retry").click().run()
    assert [line[1] for line in rows(page)] == ["4", "4"]
    assert not page.button


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_file_name_that_is_a_formula_becomes_text(start: str) -> None:
    name = f"{start}HYPERLINK(1).png"
    [[cell, other]] = csv.reader(to_csv([[name, "4"]]).splitlines(keepends=True))
    assert (cell, other) == (f"'{name}", "4")


def test_a_clicked_sample_is_predicted(page: AppTest, fake_service: FakeService) -> None:
    choose(page, "samples")
    [pills] = [group for group in page.button_group if group.key == "sample"]
    pills.select(7).run()
    assert (ROOT / "data" / "samples" / "7_drawn.png").read_bytes() in fake_service.received[-1]
    assert '<p class="digit">4</p>' in shown(page)


def test_a_heic_photo_is_refused_with_a_remedy_and_not_sent(page: AppTest, fake_service: FakeService) -> None:
    choose(page, "upload")
    page.file_uploader(key="file").upload("IMG_1.heic", HEIC, "image/heic").run()
    assert "This file can&#x27;t be read" in shown(page)
    assert "Share it as JPEG" in shown(page)
    assert not page.button
    assert fake_service.received == []


def test_a_text_is_refused_with_a_remedy_and_without_another_try(page: AppTest, fake_service: FakeService) -> None:
    fake_service.status, fake_service.body = 415, problem("No picture.", "unsupported-format")
    choose(page, "upload")
    page.file_uploader(key="file").upload("notes.txt", b"a four", "text/plain").run()
    assert "This file can&#x27;t be read" in shown(page)
    assert "Use PNG, JPEG, WebP, GIF, BMP or TIFF." in shown(page)
    assert not page.button


def test_a_file_that_the_uploader_refuses_is_explained(page: AppTest, fake_service: FakeService) -> None:
    page.session_state["browser"] = {"refused": ["scan.tiff"], "camera": True}
    choose(page, "upload")
    assert "The file is too large. Scale the picture down" in shown(page)
    answer(fake_service, PREDICTION)
    table = upload(page, b"PNG a")
    assert [row[:2] for row in table] == [["0.png", "4"], ["scan.tiff", ""]]
    assert table[1][2].startswith("The file is too large.")


def test_the_size_limit_is_the_services(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(page, "upload")
    assert "at most 10 MB" in page.file_uploader(key="file").label
    monkeypatch.setenv("DIGITS_MAX_BODY_BYTES", "2500000")
    get_settings.cache_clear()
    assert "at most 2.5 MB" in page.run().file_uploader(key="file").label


def test_wide_paper_adds_no_element_of_style(page: AppTest) -> None:
    narrow = len(html_with(page, "<style>"))
    page.toggle(key="wide").set_value(True).run()
    assert any("960px" in style for style in html_with(page, "<style>"))
    assert len(html_with(page, "<style>")) == narrow
