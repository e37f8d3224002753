"""The workflows: only tested images are published, and every job has the permissions that it needs and no more."""

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
    return dict(yaml.safe_load((FOLDER / file).read_text())["jobs"])


@pytest.mark.parametrize(
    "linter",
    [
        [sys.executable, str(Path(sys.executable).with_name("actionlint"))],
        [str(Path(sys.executable).with_name("zizmor")), "--offline", "--quiet"],
    ],
    ids=["actionlint", "zizmor"],
)
def test_linters_find_nothing(linter: list[str]) -> None:
    check = subprocess.run([*linter, *map(str, FOLDER.glob("*.yml"))], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("file", FILES)
def test_every_action_is_pinned_to_a_commit(file: str) -> None:
    actions = re.findall(r"uses: (.+)", (FOLDER / file).read_text())
    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)] == []


@pytest.mark.parametrize("file", FILES)
def test_every_job_has_a_timeout_and_its_own_permissions(file: str) -> None:
    workflow = yaml.safe_load((FOLDER / file).read_text())
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    assert all(job["timeout-minutes"] and job["permissions"] for job in workflow["jobs"].values())


def test_image_is_published_after_tests_a_start_and_a_scan() -> None:
    docker_jobs = jobs("docker-image.yml")
    publishing = [name for name, job in docker_jobs.items() if "docker/build-push-action" in str(job)]
    assert publishing == ["publish"]
    assert set(docker_jobs["publish"]["needs"]) == {"test", "pipeline", "image"}
    assert "tools.ask_stack" in str(docker_jobs["image"])
    scans = [step["with"] for step in docker_jobs["image"]["steps"] if "scan-action" in step.get("uses", "")]
    assert [scan["image"] for scan in scans] == ["digits-api", "digits-page"]
    assert all(scan["fail-build"] and scan["only-fixed"] and scan["severity-cutoff"] == "critical" for scan in scans)


def test_only_publishing_needs_secrets() -> None:
    docker_jobs = jobs("docker-image.yml")
    assert docker_jobs["publish"]["if"] == "needs.image.outputs.publish == 'true'"
    assert "github.event_name == 'push' && secrets.DOCKER_USERNAME != ''" in docker_jobs["image"]["outputs"]["publish"]
    for name, job in docker_jobs.items():
        if name != "publish":
            assert "secrets." not in str(job["steps"])


def test_trained_network_is_signed_by_a_job_that_does_nothing_else() -> None:
    train_jobs = jobs("train.yml")
    assert [name for name, job in train_jobs.items() if "id-token" in job["permissions"]] == ["sign"]
    sign = train_jobs["sign"]
    assert sign["permissions"] == {"contents": "read", "id-token": "write", "attestations": "write"}
    assert sign["runs-on"] == "ubuntu-24.04"  # never a machine that a variable names
    commands = [step.get("run") or step["uses"].partition("@")[0] for step in sign["steps"]]
    order = ["actions/download-artifact", *commands[3:6], "actions/attest-build-provenance", "actions/upload-artifact"]
    assert commands[2:] == order
    assert "--require-hashes -r requirements/signing.lock" in commands[3]
    assert "-m src.model.pipeline.sign " in commands[4]
    assert "--check" in commands[5]
    (attest,) = [step["with"] for step in sign["steps"] if "attest-build" in step.get("uses", "")]
    assert attest["subject-path"].endswith(".onnx")


def test_trained_network_is_proposed_in_a_pull_request() -> None:
    train_jobs = jobs("train.yml")
    assert "contents" not in {name for name, level in train_jobs["train"]["permissions"].items() if level == "write"}
    steps = str(train_jobs["propose"]["steps"])
    assert "gh pr create" in steps
    assert "'name': 'signed-release'" in steps
    assert re.findall(r"git push[^\\]*", steps) == ['git push --set-upstream origin "network-$VERSION"']
