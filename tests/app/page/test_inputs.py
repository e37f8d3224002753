"""Uploaded files, several at once, and samples."""

import csv
import json

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from src.app.page.panels.batch import to_csv
from src.settings import ROOT, get_settings
from tests.app.page.app_page import shown
from tests.app.page.responses import PREDICTION, number, problem
from tests.pictures import encoded
from tests.servers import FakeService

BATCH = "/api/v1/predict/batch?details=true"
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
    assert not page.exception
    rows: list[list[str]] = page.table[0].value.to_numpy().tolist()
    return rows


def answer(fake: FakeService, *answers: object) -> None:
    fake.body = json.dumps({"answers": answers}).encode()


def test_several_files_are_sent_together_and_get_a_row_each(page: AppTest, fake_service: FakeService) -> None:
    answer(fake_service, PREDICTION, PREDICTION | {"prediction": 7})
    assert upload(page, b"PNG a", b"PNG b") == [["0.png", "4", "Probably"], ["1.png", "7", "Probably"]]
    assert list(page.table[0].value.columns) == ["File", "Number", "Remark"]
    assert fake_service.paths == [BATCH]


def test_numbers_get_a_row_with_their_zeros_in_the_table_and_in_the_file(
    page: AppTest, fake_service: FakeService
) -> None:
    answer(fake_service, PREDICTION, number("007", "42"))
    rows = upload(page, b"PNG a", b"PNG b")
    assert rows == [["0.png", "4", "Probably"], ["1.png", "007 42", "Quite sure"]]
    assert list(csv.reader(to_csv(rows).splitlines()))[1][1] == "007 42"
    page.run()
    assert fake_service.paths == [BATCH]


def test_a_dash_is_reported_in_its_row(page: AppTest, fake_service: FakeService) -> None:
    answer(fake_service, PREDICTION, number("?", height=10))
    rows = upload(page, encoded(Image.new("L", (200, 199))), encoded(Image.new("L", (200, 200))))
    assert rows[0] == ["0.png", "4", "Probably"]
    assert rows[1][1] == ""
    assert "A dot or a dash is not enough." in rows[1][2]


def test_one_bad_file_is_reported_in_its_row_without_a_retry(page: AppTest, fake_service: FakeService) -> None:
    answer(fake_service, REFUSED, PREDICTION)
    first, second = upload(page, b"junk", b"PNG b")
    assert first[:2] == ["0.png", ""]
    assert first[2].startswith("This file can't be read as a picture.")
    assert second == ["1.png", "4", "Probably"]
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
    rows = upload(page, *(bytes([number]) * 1000 for number in range(3)))
    assert [row[1] for row in rows] == ["4", "4", "4"]
    assert fake_service.paths == [BATCH] * 3


def test_a_failed_batch_is_reported_for_each_file_and_can_be_retried(page: AppTest, fake_service: FakeService) -> None:
    fake_service.status, fake_service.body = 503, problem("Busy.", "too-busy")
    fake_service.headers["Retry-After"] = "3"
    assert all("The service is busy." in line[2] for line in upload(page, b"PNG a", b"PNG b"))
    fake_service.status = 200
    answer(fake_service, PREDICTION, PREDICTION)
    page.button(key="retry").click().run()
    assert [line[1] for line in page.table[0].value.to_numpy().tolist()] == ["4", "4"]
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
