"""How a trial runs its course, and how it ends if the candidate can't be judged."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from src.model.inference.traffic_plan import CANARY, SHADOW, TrafficPlan, read_plan
from src.model.params import Canary as Limits
from src.model.pipeline import promote, registry, retrain
from src.model.pipeline.canary import trial as canary
from src.model.pipeline.canary.metrics import NetworkCounts, ServiceError, TrialCounts, Watch
from src.model.pipeline.canary.trial import Inconclusive, Trial, try_candidate
from src.model.pipeline.registry import CANDIDATE, PRODUCTION
from tests.model.pipeline.canary.trials import LIMITS, NEW, prepare
from tests.released import copy_release
from tests.servers import FakeService


def counts(pictures: float = 0, failures: float = 0, compared: float = 0) -> TrialCounts:
    """Return counts of a candidate that does everything as production does."""
    production = NetworkCounts([100.0] * 10, [0.0, 1000.0], 1.0, 1000, 0)
    candidate = NetworkCounts([pictures / 10] * 10, [0.0, pictures], pictures / 1000, pictures, failures)
    nothing = NetworkCounts([0.0] * 10, [0.0, 0.0], 0, 0, 0)
    return TrialCounts(production, candidate, nothing, compared, 0, 0)


class ScriptedWatch(Watch):
    """Reads what a test has written, one entry after another, and notes which plan was in force meanwhile."""

    def __init__(self, folder: Path, *script: TrialCounts | Exception) -> None:
        super().__init__([], NEW)
        self.plans: list[TrafficPlan | None] = []
        self.workers = 1
        self._folder = folder
        self._script: Iterator[TrialCounts | Exception] = iter(script)

    def read(self) -> TrialCounts:
        self.plans.append(read_plan(self._folder))
        entry = next(self._script)
        if isinstance(entry, Exception):
            raise entry
        return entry

    def count_workers(self, role: str, is_candidate: bool = True) -> int:
        """Return as many workers as the test says, whatever the role."""
        assert is_candidate
        assert role in (CANARY, SHADOW)
        return self.workers


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "POLL_S", 0)


def make_trial(folder: Path, *script: TrialCounts | Exception, **limits: float) -> tuple[Trial, ScriptedWatch]:
    watch = ScriptedWatch(folder, *script)
    trial_limits = Limits.model_validate(LIMITS.model_dump() | limits)
    # the plan of the trial is still in force while the candidate is promoted
    return Trial(NEW, folder, watch, trial_limits, lambda: watch.plans.append(read_plan(folder))), watch


def test_candidate_reads_along_before_it_answers(tmp_path: Path) -> None:
    readings = (
        counts(),
        counts(compared=50),
        counts(compared=100),
        counts(100, compared=150),
        counts(200, compared=200),
    )
    trial, watch = make_trial(tmp_path, *readings, least_readings=100)
    assert trial.run() == []
    assert watch.plans[0] is None
    shares = [plan.canary and plan.canary.percent for plan in watch.plans[1:] if plan]
    assert shares == [None, None, LIMITS.percent, LIMITS.percent, LIMITS.percent]
    assert {plan.shadow for plan in watch.plans[1:] if plan} == {NEW}
    assert read_plan(tmp_path) is None


def test_first_failure_ends_the_trial(tmp_path: Path) -> None:
    trial, _ = make_trial(tmp_path, counts(), counts(10), counts(20, failures=1), counts(30))
    assert "failed 1 times" in trial.run()[0]
    assert read_plan(tmp_path) is None


def test_plan_is_renewed_while_it_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "LEASE", canary.LEASE * 0)
    trial, watch = make_trial(tmp_path, counts(), counts(10), counts(20), counts(200))
    trial.run()
    ends = [plan.until for plan in watch.plans[1:] if plan]
    assert len(set(ends)) == 3


def test_interrupted_trial_leaves_no_plan(tmp_path: Path) -> None:
    trial, _ = make_trial(tmp_path, counts(), counts(10), RuntimeError("interrupted"))
    with pytest.raises(RuntimeError, match="interrupted"):
        trial.run()
    assert read_plan(tmp_path) is None


def test_services_that_can_not_be_read_for_a_moment_are_read_again(tmp_path: Path) -> None:
    trial, _ = make_trial(tmp_path, counts(), ServiceError("gone"), counts(200))
    assert trial.run() == []


def test_services_that_can_not_be_read_for_long_stop_the_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "UNREADABLE_S", -1)
    trial, _ = make_trial(tmp_path, counts(), ServiceError("gone"))
    with pytest.raises(Inconclusive, match="gone"):
        trial.run()
    assert read_plan(tmp_path) is None


def test_too_few_requests_stop_the_trial(tmp_path: Path) -> None:
    trial, _ = make_trial(tmp_path, *[counts(10)] * 100_000, most_minutes=0.001)
    with pytest.raises(Inconclusive, match="too few requests"):
        trial.run()


def test_candidate_that_no_worker_uses_stops_the_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "START_LIMIT_S", -1)
    trial, watch = make_trial(tmp_path, counts(), counts())
    watch.workers = 0
    with pytest.raises(Inconclusive, match="No worker uses it as canary"):
        trial.run()


@pytest.mark.usefixtures("_own_record")
def test_unreachable_service_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model_dir = prepare(tmp_path, copy_release, monkeypatch)
    before = sorted(model_dir.iterdir())
    assert canary.main(["--service", "http://127.0.0.1:9"]) == 1
    assert "http://127.0.0.1:9/metrics can't be read" in capsys.readouterr().err
    assert sorted(model_dir.iterdir()) == before
    assert registry.find(CANDIDATE)


@pytest.mark.usefixtures("_own_record")
def test_candidate_that_could_not_be_judged_stays_the_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_service: FakeService
) -> None:
    model_dir = prepare(tmp_path, copy_release, monkeypatch)
    monkeypatch.setattr(canary, "START_LIMIT_S", -1)
    fake_service.others["/metrics"] = b""
    outcome = try_candidate([fake_service.url], LIMITS)
    assert (outcome.verdict, outcome.settled) == ("inconclusive", True)
    assert str(model_dir) in outcome.reasons[0]
    found = registry.find(CANDIDATE)
    assert found
    assert found.version == NEW


@pytest.mark.usefixtures("_own_record")
def test_network_in_production_is_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path, copy_release, monkeypatch)
    candidate = registry.find(CANDIDATE)
    assert candidate
    registry.set_alias(PRODUCTION, candidate)
    assert canary.main(["--service", "http://127.0.0.1:9"]) == 1
    assert f"{NEW} is in production already" in capsys.readouterr().err


def test_trial_needs_a_service(capsys: pytest.CaptureFixture[str]) -> None:
    assert canary.main([]) == 1
    assert "DIGITS_SERVICE" in capsys.readouterr().err


def test_delivery_tries_the_network_only_if_a_service_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, list[str]]] = []

    def note(program: str, status: int) -> Callable[[list[str]], int]:
        def run(arguments: list[str]) -> int:
            calls.append((program, arguments))
            return status

        return run

    monkeypatch.setattr(promote, "main", note("promote", 0))
    monkeypatch.setattr(canary, "main", note("canary", 1))
    assert retrain.deliver([]) == 0
    assert retrain.deliver(["http://a", "http://b"]) == 1
    assert calls == [("promote", []), ("canary", ["--service=http://a", "--service=http://b"])]
