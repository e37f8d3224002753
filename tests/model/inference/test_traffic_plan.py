from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from src.model.errors import ArtefactError
from src.model.inference.traffic_plan import PLAN_NAME, TrafficPlan, is_for_canary, read_plan, remove_plan, write_plan
from src.settings import Canary, Settings

IDS = [f"request-{number}" for number in range(10_000)]


def share(version: str, percent: float) -> set[str]:
    return {each for each in IDS if is_for_canary(Canary(version=version, percent=percent), each)}


@pytest.mark.parametrize("percent", [0.5, 5, 50])
def test_canary_gets_its_share_of_the_requests(percent: float) -> None:
    expected, deviation = len(IDS) * percent / 100, (len(IDS) * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(len(share("1.3.1", percent)) - expected) < 4 * deviation


def test_whole_share_is_every_request() -> None:
    assert share("1.3.1", 100) == set(IDS)


def test_larger_share_contains_the_smaller_one() -> None:
    assert share("1.3.1", 5) < share("1.3.1", 20)


def test_another_canary_gets_other_requests() -> None:
    both = share("1.3.1", 5) & share("1.3.2", 5)
    assert len(both) < 0.2 * len(share("1.3.1", 5))


def test_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = TrafficPlan(canary=Canary(version="1.3.1", percent=5), shadow="1.1.0", until=datetime.now(UTC))
    assert read_plan(tmp_path) is None
    write_plan(tmp_path, plan)
    assert read_plan(tmp_path) == plan
    assert plan.has_expired()
    remove_plan(tmp_path)
    assert read_plan(tmp_path) is None


def test_plan_holds_until_its_end() -> None:
    assert not TrafficPlan().has_expired()
    assert not TrafficPlan(until=datetime.now(UTC) + timedelta(hours=1)).has_expired()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"canary": "1.3.1:5"}',
        '{"canary": {"version": "1.3.1", "percent": 101}}',
        '{"canary": {"version": "1.3.1"}}',
        '{"shade": "1.3.1"}',
        '{"until": "2027-01-31T12:00:00"}',
        '{"shadow": "' + 20_000 * "1" + '"}',
    ],
)
def test_invalid_plan_is_refused_with_its_path(tmp_path: Path, text: str) -> None:
    (tmp_path / PLAN_NAME).write_text(text)
    with pytest.raises(ArtefactError, match=PLAN_NAME):
        read_plan(tmp_path)


def test_setting_names_version_and_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_CANARY", "mlp-0.0.1:2.5")
    assert Settings().canary == Canary(version="mlp-0.0.1", percent=2.5)
    monkeypatch.setenv("DIGITS_CANARY", "")
    monkeypatch.setenv("DIGITS_SHADOW", "")
    assert (Settings().canary, Settings().shadow) == (None, None)


@pytest.mark.parametrize("text", ["1.3.1", ":5", "1.3.1:", "1.3.1:0", "1.3.1:101", "1.3.1:some"])
def test_other_settings_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DIGITS_CANARY", text)
    with pytest.raises(ValueError, match="canary"):
        Settings()
