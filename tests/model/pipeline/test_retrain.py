from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from src.model.inference.artefact import describe, find_newest
from src.model.monitoring import drift
from src.model.monitoring.drift import Verdict
from src.model.params import read_params
from src.model.pipeline import retrain
from src.model.pipeline.retrain import find_reasons
from src.settings import ROOT, Settings

LIMITS = read_params().triggers.model_copy(update={"new_pictures": 2, "oldest_days": 10_000})


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings with a folder of corrected pictures, and move the pipeline's folders below `tmp_path`."""
    monkeypatch.setattr(retrain, "FEEDBACK", tmp_path / "feedback")
    monkeypatch.setattr(retrain, "REFUSED", tmp_path / "refused")
    monkeypatch.setattr(retrain, "REFUSAL", tmp_path / "refused.json")
    settings = Settings(feedback_dir=tmp_path / "kept")
    monkeypatch.setattr(retrain, "get_settings", lambda: settings)
    return settings


def test_enough_corrected_pictures_are_a_reason(settings: Settings, keep: Callable[..., str]) -> None:
    keep(4)
    assert find_reasons(LIMITS, settings, None) == []
    keep(5)
    assert find_reasons(LIMITS, settings, None) == ["feedback: 2 corrected pictures since the last run"]


def test_service_without_feedback_gives_no_reason() -> None:
    assert find_reasons(LIMITS, Settings(feedback_dir=None), None) == []


def test_drift_is_a_reason(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = [Verdict("digits_ink", 0.3, 0.25), Verdict("digits_answers", 0.1, 0.25)]
    monkeypatch.setattr(drift, "read_metrics", lambda *_: None)
    monkeypatch.setattr(drift, "judge", lambda *_: verdicts)
    assert find_reasons(LIMITS, settings, "http://127.0.0.1/metrics") == [
        "drift: digits_ink: PSI 0.300, limit 0.25 - drifted"
    ]


def test_old_network_is_a_reason(settings: Settings) -> None:
    made = datetime.fromisoformat(describe(find_newest(ROOT / "model")).created)
    old = LIMITS.model_copy(update={"oldest_days": (datetime.now(UTC) - made).total_seconds() / 86400 / 2})
    (reason,) = find_reasons(old, settings, None)
    assert reason.startswith("schedule: the network in production is of 20")


def test_nothing_runs_without_a_reason(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(retrain, "run_dvc", lambda _: pytest.fail("the pipeline ran"))
    monkeypatch.setattr(retrain, "find_reasons", lambda *_: [])
    assert settings.feedback_dir
    assert retrain.main([]) == 0
    assert capsys.readouterr().out == "There is no reason to train.\n"


def test_run_uses_new_corrected_pictures_once(
    tmp_path: Path, settings: Settings, keep: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = keep(4)
    monkeypatch.setattr(retrain, "run_dvc", lambda reason: 0 if reason == "demand" else 1)
    assert retrain.main(["--now"]) == 0
    assert {path.name for path in (tmp_path / "feedback").iterdir()} == {f"{digest}.png", f"{digest}.json"}
    assert retrain.find_new_notes(settings.feedback_dir) == []


def test_pictures_of_a_refused_network_are_set_aside_and_not_used_again(
    tmp_path: Path, settings: Settings, keep: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = keep(4)
    monkeypatch.setattr(retrain, "run_dvc", lambda _: 0)
    retrain.main(["--now"])
    bad = keep(5, corrected=6)
    monkeypatch.setattr(retrain, "run_dvc", lambda _: retrain.REFUSAL.write_text("{}"))
    assert retrain.main(["--now"]) == 1
    assert {path.stem for path in (tmp_path / "feedback").iterdir()} == {good}
    assert {path.stem for path in (tmp_path / "refused").iterdir()} == {bad}
    assert retrain.find_new_notes(settings.feedback_dir) == []


def test_pictures_of_a_stopped_run_are_used_again(
    tmp_path: Path, settings: Settings, keep: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(4)
    (tmp_path / "refused.json").write_text("{}")  # of an earlier run
    monkeypatch.setattr(retrain, "run_dvc", lambda _: 1)
    assert retrain.main(["--now"]) == 1
    assert list((tmp_path / "feedback").iterdir()) == []
    assert len(retrain.find_new_notes(settings.feedback_dir)) == 1


@pytest.mark.usefixtures("settings")
def test_damaged_pictures_are_left_out_and_named(
    tmp_path: Path,
    keep: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, cut, lost = (keep(digit) for digit in (4, 5, 6))
    kept = tmp_path / "kept"
    (kept / f"{cut}.json").write_text('{"sha256": "')
    (kept / f"{lost}.png").unlink()
    (kept / "x.json").mkdir()
    (kept / "y.json").symlink_to("nothing")
    (kept / f"{whole}.old").mkdir()
    monkeypatch.setattr(retrain, "run_dvc", lambda _: 0)
    assert retrain.main(["--now"]) == 0
    assert {path.name for path in (tmp_path / "feedback").iterdir()} == {f"{whole}.png", f"{whole}.json"}
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == sorted([f"{cut}.json", f"{lost}.json"])
