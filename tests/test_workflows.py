"""The workflows: nothing is published that was not tested, started and asked, and nobody gets more than they need."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from src.settings import ROOT

FOLDER: Final = ROOT / ".github" / "workflows"
FILES: Final = sorted(path.name for path in FOLDER.glob("*.yml"))


def jobs(file: str) -> dict[str, dict[str, Any]]:
    """Return a workflow's jobs by name."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / file).read_text())["jobs"]
    return found


@pytest.mark.parametrize(
    "linter",
    [
        [sys.executable, str(Path(sys.executable).with_name("actionlint"))],
        [str(Path(sys.executable).with_name("zizmor")), "--offline", "--quiet"],
    ],
    ids=["actionlint", "zizmor"],
)
def test_the_workflows_are_clean(linter: list[str]) -> None:
    check = subprocess.run([*linter, *map(str, FOLDER.glob("*.yml"))], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("file", FILES)
def test_every_action_is_known_by_its_commit(file: str) -> None:
    used = re.findall(r"uses: (.+)", (FOLDER / file).read_text())
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []


@pytest.mark.parametrize("file", FILES)
def test_a_job_ends_in_time_and_may_do_only_what_it_says(file: str) -> None:
    workflow = yaml.safe_load((FOLDER / file).read_text())
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    assert all(job["timeout-minutes"] and job["permissions"] for job in workflow["jobs"].values())


def test_what_is_published_was_tested_started_and_asked_before() -> None:
    found = jobs("docker-image.yml")
    publishing = [name for name, job in found.items() if "docker/build-push-action" in str(job)]
    assert publishing == ["publish"]
    assert set(found["publish"]["needs"]) == {"test", "pipeline", "image"}
    assert "tools.ask_stack" in str(found["image"])
    scans = [step["with"] for step in found["image"]["steps"] if "scan-action" in step.get("uses", "")]
    assert [scan["image"] for scan in scans] == ["digits-api", "digits-page"]
    assert all(scan["fail-build"] and scan["only-fixed"] and scan["severity-cutoff"] == "critical" for scan in scans)


def test_no_secret_is_needed_to_be_green() -> None:
    found = jobs("docker-image.yml")
    assert found["publish"]["if"] == "needs.image.outputs.publish == 'true'"
    assert "github.event_name == 'push' && secrets.DOCKER_USERNAME != ''" in found["image"]["outputs"]["publish"]
    for name, job in found.items():
        if name != "publish":
            assert "secrets." not in str(job["steps"])


def test_a_trained_network_is_proposed_and_not_pushed_past_review() -> None:
    found = jobs("train.yml")
    assert "contents" not in {name for name, level in found["train"]["permissions"].items() if level == "write"}
    steps = str(found["propose"]["steps"])
    assert "gh pr create" in steps
    assert re.findall(r"git push[^\\]*", steps) == ['git push --set-upstream origin "network-$VERSION"']
