"""What starts a training: enough corrected pictures, drift, or a network that is old; and nothing else does."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from src.model.artefact import describe
from src.model.pipeline import drift, retrain, triggers
from src.model.pipeline.drift import Verdict
from src.model.pipeline.params import read_params
from src.model.pipeline.triggers import reasons
from src.settings import ROOT, Settings
from tests.model.pipeline.conftest import Keep
from tests.test_delivery import imports

LIMITS = read_params().triggers.model_copy(update={"new_pictures": 2, "oldest_days": 10_000})


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings with a folder for corrected pictures, and let the pipeline have folders of its own."""
    for name in ("FEEDBACK", "REFUSED"):
        for module in (triggers, retrain):
            monkeypatch.setattr(module, name, tmp_path / name.lower())
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
    monkeypatch.setattr(drift, "served", lambda *_: None)
    monkeypatch.setattr(drift, "judge", lambda *_: verdicts)
    assert reasons(LIMITS, settings, "http://127.0.0.1/metrics") == [
        "drift: digits_ink: PSI 0.300, limit 0.25 - drifted"
    ]


def test_an_old_network_asks_for_a_training(settings: Settings) -> None:
    made = datetime.fromisoformat(describe(ROOT / "model" / "mnist-0.0.1.json").created)
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
    assert triggers.unseen(settings.feedback_dir) == []


def test_what_made_a_network_worse_is_put_aside_and_not_taken_in_again(
    tmp_path: Path, settings: Settings, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = keep(4)
    monkeypatch.setattr(retrain, "reproduce", lambda _: 0)
    retrain.main(["--now"])
    bad = keep(5, corrected=6)
    monkeypatch.setattr(retrain, "reproduce", lambda _: 1)
    assert retrain.main(["--now"]) == 1
    assert {path.stem for path in (tmp_path / "feedback").iterdir()} == {good}
    assert {path.stem for path in (tmp_path / "refused").iterdir()} == {bad}
    assert triggers.unseen(settings.feedback_dir) == []


@pytest.mark.parametrize("stage", ["validate-data", "train", "validate-model", "package", "register"])
def test_a_stage_runs_again_when_code_that_makes_its_result_changes(stage: str) -> None:
    """Everything that a stage imports is among what it depends on, less what only reads, writes and records."""
    steps = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    module = re.findall(r"-m ([\w.]+)", steps[stage]["cmd"])[0]
    assert module.replace(".", "/") + ".py" in steps[stage]["deps"]
    if stage == "train":
        needed = (
            imports("src/model/train_model.py") - imports("src/model/evaluate.py") - imports("src/model/artefact.py")
        )
        assert {file for file in needed if not file.endswith("__init__.py")} <= {*steps[stage]["deps"]}
