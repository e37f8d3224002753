"""Files, several at once, and samples."""

from streamlit.testing.v1 import AppTest

from src.settings import ROOT
from tests.app.front_page import shown
from tests.app.test_client import problem
from tests.servers import FakeService


def choose(page: AppTest, source: str) -> AppTest:
    page.session_state["source"] = source
    return page.run()


def test_several_files_get_a_line_each(page: AppTest, fake_service: FakeService) -> None:
    choose(page, "upload")
    page.file_uploader(key="file").upload("a.png", b"PNG a", "image/png").upload("b.png", b"PNG b", "image/png").run()
    assert not page.exception
    table = page.table[0].value
    assert list(table.columns) == ["File", "Digit", "Remark"]
    assert table.to_numpy().tolist() == [["a.png", "4", "Probably"], ["b.png", "4", "Probably"]]
    assert len(fake_service.received) == 2


def test_one_bad_file_among_several_is_said_in_its_line(page: AppTest, fake_service: FakeService) -> None:
    choose(page, "upload")
    fake_service.status, fake_service.body = 415, problem("No picture.", "unsupported-format")
    page.file_uploader(key="file").upload("a.png", b"PNG a", "image/png").upload("b.png", b"PNG b", "image/png").run()
    [first, _] = page.table[0].value.to_numpy().tolist()
    assert first[:2] == ["a.png", ""]
    assert first[2].startswith("This is not a picture that can be read.")


def test_the_samples_are_there_to_click(page: AppTest, fake_service: FakeService) -> None:
    choose(page, "samples")
    [pills] = [each for each in page.button_group if each.key == "sample"]
    pills.select(7).run()
    assert (ROOT / "data" / "samples" / "7_drawn.png").read_bytes() in fake_service.received[-1]
    assert '<p class="digit">4</p>' in shown(page)
