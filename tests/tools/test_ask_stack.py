"""What asks a started stack for real digits says truly whether it reads them."""

from pathlib import Path

import pytest

from tests.servers import FakeService, Server
from tools import ask_stack


def test_the_stack_passes_when_every_digit_is_read(
    running_service: Server, fake_service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_service.others["/_stcore/health"] = b"ok"
    assert ask_stack.main(running_service.url, fake_service.url) == 0
    assert capsys.readouterr().out == "10 digits read, the page is healthy\n"


def test_a_stack_that_reads_a_digit_wrongly_or_has_no_page_fails(
    fake_service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_service.body = b'{"prediction": 4}'
    fake_service.others["/_stcore/health"] = b"<!DOCTYPE html>"
    assert ask_stack.main(fake_service.url, fake_service.url) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert "0_drawn.png is read as 4" in lines
    assert "the page is not healthy" in lines


def test_asking_needs_nothing_but_python() -> None:
    imported = [line.split()[1] for line in Path(ask_stack.__file__).read_text().splitlines() if "import " in line]
    assert not {"numpy", "PIL", "requests", "src"} & {name.split(".")[0] for name in imported}
