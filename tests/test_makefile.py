"""The Makefile gets to a working environment from whatever it finds, and does nothing when nothing is to be done.

No test downloads anything: stand-ins for Python write down how they were called.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from src.settings import ROOT

MAKE = shutil.which("make") or "make"

PYTHON_THAT_FITS = """#!/bin/sh
if [ "$1 $2 $3" = "-m venv --clear" ]; then
  rm -rf "$4"  # as --clear does; .venv/bin/python may be a link to a real one
  mkdir -p "$4/bin"
  echo "$0" > "$4/made-by"
  cp bin/installed "$4/bin/python"
fi
"""
PYTHON_TOO_OLD = "#!/bin/sh\nexit 1\n"
# the one in .venv: sound, and installs what it's told unless there is a file that says otherwise
INSTALLED = """#!/bin/sh
case "$*" in -c*) exit 0;; esac
echo "$@" >> calls
case "$*" in *"pip install"*) [ ! -e offline ];; esac
"""


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the Makefile, the requirements, and what `PYTHON_THAT_FITS` puts into .venv."""
    executable(tmp_path / "bin" / "installed", INSTALLED)
    for file in (ROOT / "Makefile", ROOT / "requirements.txt"):
        shutil.copy(file, tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make with no programs on the path but those that the test put into `project/bin`, and the usual few."""
    path = os.pathsep.join([str(project / "bin"), "/usr/bin", "/bin"])
    command = [MAKE, "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=project, env={"PATH": path}, capture_output=True, text=True, check=False)


def calls(project: Path) -> list[str]:
    log = project / "calls"
    return log.read_text().splitlines() if log.exists() else []


def test_help_is_what_make_alone_gives_and_names_every_command(project: Path) -> None:
    listed = {line.split()[1] for line in make(project).stdout.splitlines()}
    assert listed >= {"run", "test", "lint", "format", "test-mnist", "train", "evaluate", "clean"}


def test_a_python_that_is_too_old_is_passed_over_for_a_newer_one(project: Path) -> None:
    executable(project / "bin" / "python3", PYTHON_TOO_OLD)
    executable(project / "bin" / "python3.14", PYTHON_THAT_FITS)

    made = make(project, "environment")

    assert made.returncode == 0
    assert made.stdout == "Making .venv with python3.14\n"
    assert (project / ".venv" / "made-by").read_text().strip() == str(project / "bin" / "python3.14")


def test_without_a_python_that_fits_a_sentence_says_what_to_install(project: Path) -> None:
    old = executable(project / "bin" / "python3", PYTHON_TOO_OLD)

    made = make(project, "run", f"PYTHON={old}")

    assert made.returncode != 0
    assert "Python 3.11 or newer" in made.stderr
    assert "python3-venv" in made.stderr
    assert not (project / ".venv").exists()


@pytest.fixture
def environment(project: Path) -> Path:
    """Return a real environment with one whole package and pip's own record, as far as the Makefile looks."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=project, check=True)
    packages = next((project / ".venv" / "lib").glob("python3*")) / "site-packages"
    for name in ("pip-25.0", "numpy-2.0"):
        (packages / f"{name}.dist-info").mkdir()
        (packages / f"{name}.dist-info" / "RECORD").touch()
    executable(project / "bin" / "fits", PYTHON_THAT_FITS)
    return packages


def made_anew(project: Path) -> bool:
    made = make(project, "environment", "PYTHON=fits")
    assert made.returncode == 0, made.stderr
    return (project / ".venv" / "made-by").exists()


def test_a_whole_environment_is_left_alone(project: Path, environment: Path) -> None:
    assert environment.exists()
    assert not made_anew(project)


@pytest.mark.parametrize("name", ["pip-25.0", "numpy-2.0"])
def test_an_environment_with_a_package_that_was_interrupted_is_made_anew(
    project: Path, environment: Path, name: str
) -> None:
    (environment / f"{name}.dist-info" / "RECORD").unlink()
    assert made_anew(project)


def test_an_environment_that_was_interrupted_before_pip_is_made_anew(project: Path, environment: Path) -> None:
    shutil.rmtree(environment / "pip-25.0.dist-info")
    assert made_anew(project)


@pytest.mark.usefixtures("environment")
def test_an_environment_whose_python_has_gone_is_made_anew(project: Path) -> None:
    for link in (project / ".venv" / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/gone/python3")
    assert made_anew(project)


@pytest.mark.parametrize("jobs", ["-j1", "-j8"])
def test_run_gets_from_nothing_to_a_started_program(project: Path, jobs: str) -> None:
    executable(project / "bin" / "python3", PYTHON_THAT_FITS)

    run = make(project, "run", jobs)

    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == "Making .venv with python3"
    assert run.stdout.splitlines()[1].startswith("Installing the service and the page")
    assert [call.split()[1] for call in calls(project)] == ["pip", "src.app.run"]


def test_run_installs_once_and_then_only_starts(project: Path) -> None:
    executable(project / ".venv" / "bin" / "python", INSTALLED)

    assert make(project, "run").returncode == 0
    install, start = calls(project)
    assert install.startswith("-m pip install")
    assert install.endswith("-r requirements/api.txt -r requirements/page.txt")
    assert start == "-m src.app.run"

    assert make(project, "run").returncode == 0
    assert calls(project)[2:] == ["-m src.app.run"]


def test_changed_requirements_are_installed(project: Path) -> None:
    executable(project / ".venv" / "bin" / "python", INSTALLED)
    make(project, "run")
    stamp = (project / ".venv" / "run.stamp").stat().st_mtime
    os.utime(project / "requirements/constraints.txt", (stamp + 1, stamp + 1))

    make(project, "run")

    assert [call.split()[1] for call in calls(project)] == ["pip", "src.app.run"] * 2


def test_an_installation_that_failed_is_tried_again(project: Path) -> None:
    executable(project / ".venv" / "bin" / "python", INSTALLED)
    (project / "offline").touch()
    assert make(project, "run").returncode != 0
    (project / "offline").unlink()

    assert make(project, "run").returncode == 0

    assert [call.split()[1] for call in calls(project)] == ["pip", "pip", "src.app.run"]
