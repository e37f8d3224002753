"""The Makefile creates a working environment from any state, and does nothing when nothing has changed.

Nothing is downloaded: stand-ins for Python record how they are called.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from src.settings import ROOT

MAKE = shutil.which("make") or "make"

SUITABLE_PYTHON = """#!/bin/sh
if [ "$1 $2 $3" = "-m venv --clear" ]; then
  rm -rf "$4"  # as --clear does; .venv/bin/python may be a link to a real one
  mkdir -p "$4/bin"
  echo "$0" > "$4/created-by"
  cp bin/installed "$4/bin/python"
fi
"""
OLD_PYTHON = "#!/bin/sh\nexit 1\n"
# the Python in .venv: complete; its installations succeed unless there is a file `offline`
VENV_PYTHON = """#!/bin/sh
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
    """Return a folder with the Makefile, the requirements, and the stand-in `SUITABLE_PYTHON` copies into .venv."""
    executable(tmp_path / "bin" / "installed", VENV_PYTHON)
    for file in (ROOT / "Makefile", ROOT / "requirements.txt"):
        shutil.copy(file, tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make with only `project/bin` and the system's folders on the path."""
    path = os.pathsep.join([str(project / "bin"), "/usr/bin", "/bin"])
    command = [MAKE, "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=project, env={"PATH": path}, capture_output=True, text=True, check=False)


def calls(project: Path) -> list[str]:
    log = project / "calls"
    return log.read_text().splitlines() if log.exists() else []


def test_make_alone_lists_the_commands(project: Path) -> None:
    listed = {line.split()[1] for line in make(project).stdout.splitlines()}
    assert listed >= {"run", "test", "lint", "format", "test-mnist", "train", "evaluate", "clean"}


def test_too_old_python_is_skipped_for_a_newer_one(project: Path) -> None:
    executable(project / "bin" / "python3", OLD_PYTHON)
    executable(project / "bin" / "python3.14", SUITABLE_PYTHON)

    result = make(project, "environment")

    assert result.returncode == 0
    assert result.stdout == "Creating .venv with python3.14\n"
    assert (project / ".venv" / "created-by").read_text().strip() == str(project / "bin" / "python3.14")


def test_missing_python_is_reported_with_what_to_install(project: Path) -> None:
    old = executable(project / "bin" / "python3", OLD_PYTHON)

    result = make(project, "run", f"PYTHON={old}")

    assert result.returncode != 0
    assert "Python 3.11 or newer" in result.stderr
    assert "python3-venv" in result.stderr
    assert not (project / ".venv").exists()


@pytest.fixture
def environment(project: Path) -> Path:
    """Create a real environment in which pip and one package are complete; return its site-packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=project, check=True)
    packages = next((project / ".venv" / "lib").glob("python3*")) / "site-packages"
    for name in ("pip-25.0", "numpy-2.0"):
        (packages / f"{name}.dist-info").mkdir()
        (packages / f"{name}.dist-info" / "RECORD").touch()
    executable(project / "bin" / "fits", SUITABLE_PYTHON)
    return packages


def is_recreated(project: Path) -> bool:
    result = make(project, "environment", "PYTHON=fits")
    assert result.returncode == 0, result.stderr
    return (project / ".venv" / "created-by").exists()


def test_complete_environment_is_kept(project: Path, environment: Path) -> None:
    assert environment.exists()
    assert not is_recreated(project)


@pytest.mark.parametrize("name", ["pip-25.0", "numpy-2.0"])
def test_environment_with_an_incomplete_package_is_recreated(project: Path, environment: Path, name: str) -> None:
    (environment / f"{name}.dist-info" / "RECORD").unlink()
    assert is_recreated(project)


def test_environment_without_pip_is_recreated(project: Path, environment: Path) -> None:
    shutil.rmtree(environment / "pip-25.0.dist-info")
    assert is_recreated(project)


@pytest.mark.usefixtures("environment")
def test_environment_whose_python_is_gone_is_recreated(project: Path) -> None:
    for link in (project / ".venv" / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/gone/python3")
    assert is_recreated(project)


@pytest.mark.parametrize("jobs", ["-j1", "-j8"])
def test_run_installs_and_starts_from_scratch(project: Path, jobs: str) -> None:
    executable(project / "bin" / "python3", SUITABLE_PYTHON)

    run = make(project, "run", jobs)

    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == "Creating .venv with python3"
    assert run.stdout.splitlines()[1].startswith("Installing the service and the page")
    assert [call.split()[1] for call in calls(project)] == ["pip", "src.app.run"]


def test_run_installs_only_once(project: Path) -> None:
    executable(project / ".venv" / "bin" / "python", VENV_PYTHON)

    assert make(project, "run").returncode == 0
    install, start = calls(project)
    assert install.startswith("-m pip install")
    assert install.endswith("-r requirements/api.txt -r requirements/page.txt -r requirements/run.txt")
    assert start == "-m src.app.run"

    assert make(project, "run").returncode == 0
    assert calls(project)[2:] == ["-m src.app.run"]


def test_changed_requirements_are_installed_again(project: Path) -> None:
    executable(project / ".venv" / "bin" / "python", VENV_PYTHON)
    make(project, "run")
    stamp = (project / ".venv" / "run.stamp").stat().st_mtime
    os.utime(project / "requirements/constraints.txt", (stamp + 1, stamp + 1))

    make(project, "run")

    assert [call.split()[1] for call in calls(project)] == ["pip", "src.app.run"] * 2


def test_failed_installation_is_retried(project: Path) -> None:
    executable(project / ".venv" / "bin" / "python", VENV_PYTHON)
    (project / "offline").touch()
    assert make(project, "run").returncode != 0
    (project / "offline").unlink()

    assert make(project, "run").returncode == 0

    assert [call.split()[1] for call in calls(project)] == ["pip", "pip", "src.app.run"]
