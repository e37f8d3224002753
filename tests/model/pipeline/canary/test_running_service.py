"""Candidates on a running service under load: the good is promoted; the bad is withdrawn, and no request is lost."""

import re
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest

from src.model.inference.artefact import list_versions
from src.model.inference.traffic_plan import CANARY_FOLDER, is_for_canary, read_plan
from src.model.pipeline import registry, tracking
from src.model.pipeline.canary.trial import Outcome, try_candidate
from src.model.pipeline.registry import CANDIDATE, PRODUCTION, WITHDRAWN
from src.settings import Canary
from tests import servers
from tests.app.api.api_client import until
from tests.bad_networks import write_confused, write_constant, write_crashing, write_slow
from tests.model.pipeline.canary.trials import LIMITS, NEW, OLD, Answer, constant_load, prepare
from tests.released import copy_release

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("_own_record")]

SHARE = Canary(version=NEW, percent=LIMITS.percent)
MOST_S = 60  # from the first bad answer to the withdrawal


def run_trial(model_dir: Path, least_readings: int) -> tuple[Outcome, list[Answer]]:
    """Try the candidate on a service of two workers with its usual settings; return how it ended and all answers."""
    server = servers.service(servers.free_port(), DIGITS_MODEL_DIR=str(model_dir), DIGITS_WORKERS="2")
    limits = LIMITS.model_copy(update={"least_readings": least_readings})
    with servers.running(server), constant_load(server) as answers:
        until(lambda: len(answers) > 20)
        outcome = try_candidate([server.url], limits)
        before = len(answers)
        until(lambda: len(answers) > before + 200, 60)
    return outcome, answers


def assert_nothing_is_lost(answers: list[Answer]) -> None:
    """Check that every request was answered, and by the candidate only within its share."""
    assert {answer.status for answer in answers} == {200}
    assert all(answer.digit in range(10) for answer in answers)
    assert all(is_for_canary(SHARE, answer.request_id) for answer in answers if answer.model == NEW)


def read_record() -> tuple[dict[str, str], dict[str, float]]:
    """Return the tags and the metrics of the newest run in MLflow."""
    [run, *_] = mlflow.MlflowClient().search_runs(["1"])
    return run.data.tags, run.data.metrics


def test_good_candidate_is_promoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_dir = prepare(tmp_path, copy_release, monkeypatch)
    outcome, answers = run_trial(model_dir, least_readings=200)
    assert (outcome.verdict, outcome.reasons, outcome.settled) == ("promoted", [], True)
    share = [answer for answer in answers if is_for_canary(SHARE, answer.request_id)]
    assert {answer.status for answer in answers} == {200}
    assert all(answer.digit == answer.sent for answer in answers)
    assert {answer.model for answer in answers[-100:]} == {NEW, None}
    assert outcome.figures["canary_requests"] <= len(share)
    assert outcome.figures["agreement"] == 1
    assert list_versions(model_dir) == [OLD, NEW]
    assert read_plan(model_dir) is None
    promoted = registry.find(PRODUCTION)
    assert promoted
    assert promoted.version == NEW
    tags, metrics = read_record()
    assert (tags["stage"], tags["verdict"], tags["version"]) == ("canary", "promoted", NEW)
    assert metrics["canary_pictures"] >= LIMITS.least_answers


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (write_confused, "agrees with production"),
        (write_constant, "agrees with production|differs from production in digits"),
        (write_slow, "times as long as production"),
        (write_crashing, "it failed"),
    ],
)
def test_bad_candidate_is_withdrawn_within_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, str], None], reason: str
) -> None:
    model_dir = prepare(tmp_path, write, monkeypatch)
    outcome, answers = run_trial(model_dir, least_readings=0)
    assert (outcome.verdict, outcome.settled) == ("withdrawn", True)
    assert re.search(reason, " ".join(outcome.reasons))
    assert_nothing_is_lost(answers)
    share = sum(is_for_canary(SHARE, answer.request_id) for answer in answers)
    assert 0 < outcome.figures["canary_requests"] <= share
    assert outcome.figures["seconds_exposed"] <= MOST_S
    wrong = [answer for answer in answers if answer.digit != answer.sent]
    assert all(is_for_canary(SHARE, answer.request_id) for answer in wrong)
    if write in (write_crashing, write_slow):  # production answers where it crashes, and the slow one is right
        assert wrong == []
    assert {answer.model for answer in answers[-100:]} == {OLD, None}
    assert_withdrawn(model_dir, outcome)


def assert_withdrawn(model_dir: Path, outcome: Outcome) -> None:
    """Check that nothing is left of the candidate but the record."""
    assert list_versions(model_dir) == [OLD]
    assert read_plan(model_dir) is None
    assert not (model_dir / CANARY_FOLDER).exists()
    assert registry.find(CANDIDATE) is None
    production, withdrawn = registry.find(PRODUCTION), registry.find(WITHDRAWN)
    assert production
    assert withdrawn
    assert (production.version, withdrawn.version) == (OLD, NEW)
    tags, metrics = read_record()
    assert (tags["verdict"], tags["settled"]) == ("withdrawn", "True")
    assert metrics["canary_requests"] == outcome.figures["canary_requests"]
    assert tracking.read_report("canary")["reasons"] == outcome.reasons


def test_candidate_that_fails_as_a_shadow_answers_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_dir = prepare(tmp_path, write_confused, monkeypatch)
    outcome, answers = run_trial(model_dir, least_readings=100)
    assert outcome.verdict == "withdrawn"
    assert outcome.figures["canary_requests"] == 0
    assert {answer.status for answer in answers} == {200}
    assert all(answer.digit == answer.sent for answer in answers)
    assert {answer.model for answer in answers} == {OLD, None}
    assert_withdrawn(model_dir, outcome)
