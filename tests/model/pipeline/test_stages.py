"""A change of a file makes exactly those stages of dvc.yaml stale whose result it can alter."""

import shutil
from contextlib import chdir
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pytest
import yaml
from dvc.repo import Repo  # type: ignore[import-untyped] # DVC ships no types

from src.settings import ROOT
from tests.imports import imported_files

STAGES: Final[dict[str, dict[str, Any]]] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]

# Code that stages share, and that finds, reads, writes, checks and records without altering a result.
SHARED: Final = {
    "src/launcher.py",
    "src/settings.py",
    "src/model/data/download.py",
    "src/model/cores.py",
    "src/model/errors.py",
    "src/model/files.py",
    "src/model/heap.py",
    "src/model/inference",
    "src/model/networks.py",
    "src/model/parallel.py",
    "src/model/params.py",
    "src/model/pipeline/paths.py",
    "src/model/pipeline/tracking.py",
    "src/model/training/saving/metadata.py",
    "src/model/training/scoring.py",
}


@pytest.fixture(scope="module")
def recorded_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project in which every stage is recorded as up to date, with outputs that are stand-ins."""
    root = tmp_path_factory.mktemp("project")
    for name in ("dvc.yaml", "params.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, root)
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "data" / "feedback").mkdir(parents=True)
    for stage in STAGES.values():
        for output in [*stage.get("outs", []), *stage.get("metrics", [])]:
            path = root / (output if isinstance(output, str) else next(iter(output)))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("stand-in")
    with chdir(root), Repo.init(no_scm=True) as repo:
        repo.commit(force=True)
    return root


@pytest.fixture
def project(recorded_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the copy, which is the working directory: DVC looks for the stages there."""
    monkeypatch.chdir(recorded_project)
    return recorded_project


def stale_stages() -> set[str]:
    """Return the stages of which a dependency, a parameter or an output has changed."""
    with Repo() as repo:
        return set(repo.status())


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("data/feedback/new.json", {"validate-data"}),
        ("data/raw/MNIST/raw/train-labels-idx1-ubyte", {"download", "validate-data", "train", "evaluate"}),
        ("src/app/api/routes/predict.py", {"validate-model"}),
        ("src/app/page/client.py", set()),
        ("src/app/serve.py", {"validate-model"}),
        ("src/model/data/augmentation.py", {"train", "evaluate", "validate-model"}),
        ("src/model/evaluation/release_gate.py", {"evaluate", "validate-model"}),
        ("src/model/experiments/compare.py", set()),
        ("src/model/inference/confidence.py", {"validate-data", "train", "evaluate", "validate-model"}),
        ("src/model/inference/predictor.py", {"validate-data", "evaluate", "validate-model"}),
        ("src/model/monitoring/histograms.py", {"validate-data", "validate-model", "package"}),
        ("src/model/networks.py", {"train"}),
        ("src/model/pipeline/registry.py", {"register"}),
        ("src/model/preprocessing/__pycache__/ink.cpython-311.pyc", set()),
        ("src/model/preprocessing/ink.py", {"validate-data", "train", "evaluate", "validate-model"}),
        ("src/model/training/fit.py", {"train"}),
    ],
)
def test_change_of_a_file_makes_only_the_stages_stale_that_depend_on_it(
    project: Path, file: str, stages: set[str]
) -> None:
    assert stale_stages() == set()
    path = project / file
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((before or b"") + b"# changed\n")
    try:
        assert stale_stages() == stages
    finally:
        path.unlink()
        if before is not None:
            path.write_bytes(before)


def test_change_of_a_parameter_makes_only_its_stage_stale(project: Path) -> None:
    path = project / "params.yaml"
    before = path.read_text()
    path.write_text(before.replace("most_ms: 50", "most_ms: 51"))
    try:
        assert stale_stages() == {"validate-model"}
    finally:
        path.write_text(before)


@pytest.mark.parametrize(
    ("stage", "starts"),
    [
        ("validate-data", ["src/model/pipeline/stages/validate_data.py"]),
        ("train", ["src/model/pipeline/stages/train.py"]),
        ("evaluate", ["src/model/pipeline/stages/evaluate.py"]),
        ("validate-model", ["src/model/pipeline/stages/validate_model.py", "src/app/serve.py", "src/app/main.py"]),
    ],
)
def test_stage_depends_on_all_code_that_it_imports(stage: str, starts: list[str]) -> None:
    covered = SHARED | set(STAGES[stage]["deps"])
    files = {file for start in starts for file in imported_files(start) if not file.endswith("__init__.py")}
    assert [file for file in sorted(files) if covered.isdisjoint({file, *map(str, PurePosixPath(file).parents)})] == []
