"""Programs are started as processes, asked whether they are healthy, and stopped with everything they started."""

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from src.launcher import Program, clean_environment, free_port
from src.settings import ROOT
from tests.servers import FakeService

FAMILY = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.alarm(60); signal.pause()"])
print(child.pid)
signal.alarm(60)
signal.pause()
"""


def python(code: str) -> Program:
    return Program(name="Test", arguments=("-uc", code), port=free_port())


@pytest.fixture
def family() -> Iterator[Program]:
    """Yield a program that ignores SIGTERM and has started another, whose process id it has written."""
    program = python(FAMILY)
    program.start()
    while not program.log.endswith("\n"):
        assert program.process.poll() is None
    yield program
    program.stop(0)


@pytest.mark.parametrize(
    ("path", "expected", "healthy"),
    [("/health", b"", True), ("/health", b"ok", True), ("/health", b"other", False), ("/elsewhere", b"", False)],
)
def test_a_program_is_healthy_if_it_answers_200_with_the_expected_body(
    fake_service: FakeService, path: str, expected: bytes, healthy: bool
) -> None:
    fake_service.others["/health"] = b"ok"
    port = int(fake_service.url.rpartition(":")[2])
    assert Program(name="Test", arguments=(), port=port, health=path, expected=expected).is_healthy() is healthy


def test_waiting_ends_when_the_program_exits_and_its_output_remains() -> None:
    program = python("print('no such setting'); raise SystemExit(3)")
    program.start()
    assert not program.wait_until_healthy(60)
    assert program.stop() == 3
    assert program.log == "no such setting\n"


def test_waiting_ends_after_the_time_allowed(family: Program) -> None:
    assert not family.wait_until_healthy(0)
    assert family.process.poll() is None


def test_a_program_that_ignores_the_request_to_stop_is_killed_with_its_children(family: Program) -> None:
    child = psutil.Process(int(family.log))
    assert family.stop(0.1) == -9
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_the_developers_own_settings_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_HOST", "0.0.0.0")  # noqa: S104 - not bound
    monkeypatch.setenv("STREAMLIT_SERVER_PORT", "1")
    monkeypatch.setenv("LANG", "C")
    environment = clean_environment(DIGITS_API_PORT="2")
    assert environment["DIGITS_API_PORT"] == "2"
    assert environment["LANG"] == "C"
    assert not {"DIGITS_HOST", "STREAMLIT_SERVER_PORT"} & set(environment)


def test_the_launcher_needs_only_the_standard_library() -> None:
    code = "import sys, src.launcher; print(*(name for name in sys.modules if name not in known))"
    code = f"import sys; known = set(sys.modules); {code}"
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    packages = {name.split(".")[0] for name in printed.split()} - set(sys.stdlib_module_names)
    assert packages == {"src"}
