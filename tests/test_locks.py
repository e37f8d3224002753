"""The images install the tested version of each package, pinned by digest."""

import re
from typing import Final

import pytest

from src.settings import ROOT

PIN: Final = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)", re.MULTILINE)
DOCKERFILES: Final = {"api": "Dockerfile.api", "page": "Dockerfile.front", "score": "Dockerfile.jobs"}

each_image = pytest.mark.parametrize("image", DOCKERFILES)
each_lock = pytest.mark.parametrize("packages", [*DOCKERFILES, "signing"])


def pins(file: str) -> dict[str, str]:
    """Return the versions that a requirements file pins, by package."""
    matches = PIN.finditer((ROOT / file).read_text())
    return {re.sub(r"[-_.]+", "-", pin["name"]).lower(): pin["version"] for pin in matches}


@each_lock
def test_lock_has_the_tested_versions(packages: str) -> None:
    locked = pins(f"requirements/{packages}.lock")
    assert pins(f"requirements/{packages}.txt").items() <= locked.items()
    assert locked.items() <= pins("requirements/constraints.txt").items()


def test_benchmarked_frameworks_use_the_versions_of_the_service() -> None:
    service, bench = pins("requirements/api.txt"), pins("requirements/bench.txt")
    assert {name: bench[name] for name in bench.keys() & service.keys()}.items() <= service.items()
    assert {"numpy", "pillow", "opencv-python-headless", "onnxruntime"} <= bench.keys()


@each_lock
def test_every_package_of_a_lock_is_pinned_by_digest(packages: str) -> None:
    lock = (ROOT / f"requirements/{packages}.lock").read_text()
    pinned = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", lock, flags=re.MULTILINE).strip())
    assert len(pinned) == len(pins(f"requirements/{packages}.lock"))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", package) for package in pinned)


@each_image
def test_image_installs_its_lock(image: str) -> None:
    dockerfile = (ROOT / DOCKERFILES[image]).read_text()
    assert f"COPY requirements/{image}.lock ./\n" in dockerfile
    assert f"--require-hashes -r {image}.lock\n" in dockerfile  # where COPY has put it


@each_lock
def test_locks_name_no_host(packages: str) -> None:
    assert "://" not in (ROOT / f"requirements/{packages}.lock").read_text()


def test_image_of_the_service_takes_what_checks_signatures_only_if_asked() -> None:
    dockerfile = (ROOT / "Dockerfile.api").read_text()
    assert "\nARG SIGNING=\n" in dockerfile
    assert re.search(r'\[ -z "\$SIGNING" \] \|\| pip .*--require-hashes -r signing\.lock\n', dockerfile)
    assert "model-signing" not in pins("requirements/api.lock")
