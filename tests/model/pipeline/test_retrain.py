"""What starts a training: enough corrected pictures, drift, or a network that is old; and nothing else does."""

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

import pytest
import yaml

from src.model.inference.artefact import describe, find_newest
from src.model.monitoring import drift
from src.model.monitoring.drift import Verdict
from src.model.params import read_params
from src.model.pipeline import retrain
from src.model.pipeline.retrain import reasons
from src.settings import ROOT, Settings
from tests.imports import imported_files
from tests.model.pipeline.conftest import Keep

LIMITS = read_params().triggers.model_copy(update={"new_pictures": 2, "oldest_days": 10_000})


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings with a folder for corrected pictures, and let the pipeline have folders of its own."""
    for name in ("FEEDBACK", "REFUSED"):
        for module in (retrain, retrain):
            monkeypatch.setattr(module, name, tmp_path / name.lower())
    monkeypatch.setattr(retrain, "REFUSAL", tmp_path / "refused.json")
    here = Settings(feedback_dir=tmp_path / "kept")
    monkeypatch.setattr(retrain, "get_settings", lambda: here)
    return here


def test_enough_corrected_pictures_ask_for_a_training(settings: Settings, keep: Keep) -> None:
    keep(4)
    assert reasons(LIMITS, settings, None) == []
    keep(5)
    assert reasons(LIMITS, settings, None) == ["feedback: 2 corrected pictures since the last run"]


def test_a_service_that_keeps_nothing_asks_for_none() -> None:
    assert reasons(LIMITS, Settings(feedback_dir=None), None) == []


def test_drift_asks_for_a_training(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = [Verdict("digits_ink", 0.3, 0.25), Verdict("digits_answers", 0.1, 0.25)]
    monkeypatch.setattr(drift, "read_metrics", lambda *_: None)
    monkeypatch.setattr(drift, "judge", lambda *_: verdicts)
    assert reasons(LIMITS, settings, "http://127.0.0.1/metrics") == [
        "drift: digits_ink: PSI 0.300, limit 0.25 - drifted"
    ]


def test_an_old_network_asks_for_a_training(settings: Settings) -> None:
    made = datetime.fromisoformat(describe(find_newest(ROOT / "model")).created)
    old = LIMITS.model_copy(update={"oldest_days": (datetime.now(UTC) - made).total_seconds() / 86400 / 2})
    (why,) = reasons(old, settings, None)
    assert why.startswith("schedule: the network in production is of 20")


def test_without_a_reason_nothing_runs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(retrain, "reproduce", lambda _: pytest.fail("it ran"))
    monkeypatch.setattr(retrain, "reasons", lambda *_: [])
    assert settings.feedback_dir
    assert retrain.main([]) == 0
    assert capsys.readouterr().out == "Nothing asks for a new training.\n"


def test_a_run_takes_in_what_no_run_has_seen(
    tmp_path: Path, settings: Settings, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = keep(4)
    monkeypatch.setattr(retrain, "reproduce", lambda reason: 0 if reason == "demand" else 1)
    assert retrain.main(["--now"]) == 0
    assert {path.name for path in (tmp_path / "feedback").iterdir()} == {f"{digest}.png", f"{digest}.json"}
    assert retrain.unseen(settings.feedback_dir) == []


def test_what_made_a_network_worse_is_put_aside_and_not_taken_in_again(
    tmp_path: Path, settings: Settings, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = keep(4)
    monkeypatch.setattr(retrain, "reproduce", lambda _: 0)
    retrain.main(["--now"])
    bad = keep(5, corrected=6)
    monkeypatch.setattr(retrain, "reproduce", lambda _: retrain.REFUSAL.write_text("{}"))
    assert retrain.main(["--now"]) == 1
    assert {path.stem for path in (tmp_path / "feedback").iterdir()} == {good}
    assert {path.stem for path in (tmp_path / "refused").iterdir()} == {bad}
    assert retrain.unseen(settings.feedback_dir) == []


def test_what_no_gate_has_judged_is_taken_in_again_the_next_time(
    tmp_path: Path, settings: Settings, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(4)
    (tmp_path / "refused.json").write_text("{}")  # of a run before
    monkeypatch.setattr(retrain, "reproduce", lambda _: 1)
    assert retrain.main(["--now"]) == 1
    assert list((tmp_path / "feedback").iterdir()) == []
    assert len(retrain.unseen(settings.feedback_dir)) == 1


# code that only finds, reads, writes, checks and records
PLUMBING: Final = (
    *(f"src/model/{name}" for name in ("errors.py", "files.py", "parallel.py", "params.py", "inference")),
    *(f"src/model/pipeline/{name}.py" for name in ("paths", "tracking")),
    "src/settings.py",
)


def uncovered(files: set[str], stage: str) -> list[str]:
    """Return the files that `stage` does not depend on, neither by name nor by folder."""
    deps = set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]["deps"]) | set(PLUMBING)
    code = {file for file in files if not file.endswith("__init__.py")}
    return sorted(file for file in code if deps.isdisjoint({file, *map(str, PurePosixPath(file).parents)}))


def test_the_training_runs_again_when_any_code_changes_that_decides_its_result() -> None:
    assert uncovered(imported_files("src/model/pipeline/stages/train.py"), "train") == []


@pytest.mark.parametrize("stage", ["validate-data", "train", "evaluate"])
def test_what_looks_at_pictures_runs_again_when_their_framing_changes(stage: str) -> None:
    assert uncovered(imported_files("src/model/preprocessing/preprocess.py"), stage) == []
