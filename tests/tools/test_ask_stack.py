"""The check of a running stack passes exactly if the service predicts every sample and the page is healthy."""

import ast
import sys
from pathlib import Path

import pytest

from tests.servers import FakeService, Server
from tools import ask_stack


def test_a_stack_that_predicts_every_sample_passes(
    running_service: Server, fake_service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_service.others["/_stcore/health"] = b"ok"
    assert ask_stack.main(running_service.url, fake_service.url) == 0
    assert capsys.readouterr().out == "10 digits read, the page is healthy\n"


def test_wrong_predictions_and_an_unhealthy_page_fail(
    fake_service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_service.body = b'{"prediction": 4}'
    fake_service.others["/_stcore/health"] = b"<!DOCTYPE html>"
    assert ask_stack.main(fake_service.url, fake_service.url) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert "0_drawn.png is read as 4" in lines
    assert "the page is not healthy" in lines


def test_the_check_needs_only_the_standard_library() -> None:
    nodes = list(ast.walk(ast.parse(Path(ask_stack.__file__).read_text())))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
