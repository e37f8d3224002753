"""The documents say what the code does: every problem, every setting, every metric."""

import json
import re
from http import HTTPStatus

import pytest

from src.app.kinds import KINDS
from src.app.metrics import Metrics
from src.settings import ROOT, Settings

API = (ROOT / "docs" / "api.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
MONITORING = ROOT / "docs" / "monitoring"


def test_every_problem_is_documented_with_its_status_and_none_that_there_isnt() -> None:
    documented = re.findall(r"^\| `/problems/([a-z-]+)` \| (\d+) \|", API, flags=re.MULTILINE)
    assert {name: HTTPStatus(int(status)) for name, status in documented} == {
        name: kind.status for name, kind in KINDS.items()
    }


def test_every_setting_is_documented_and_none_that_there_isnt() -> None:
    table = OPERATIONS.partition("## Settings")[2].partition("## Limits")[0]
    documented = set(re.findall(r"`DIGITS_([A-Z_]+)`", table))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_the_documented_defaults_are_the_settings() -> None:
    table = OPERATIONS.partition("## Settings")[2].partition("## Limits")[0]
    for name, default in re.findall(r"^\| `DIGITS_([A-Z_]+)` \| `([0-9.]+)`", table, flags=re.MULTILINE):
        value = Settings.model_fields[name.lower()].default
        assert default == (value if isinstance(value, str) else f"{value:g}" if value < 1000 else str(value)), name


def counted() -> set[str]:
    """Return the names of all metrics."""
    return set(re.findall(r"^# TYPE (\S+)", Metrics(None).exposed().decode(), flags=re.MULTILINE))


def test_every_metric_is_documented_and_none_that_there_isnt() -> None:
    table = OPERATIONS.partition("## Metrics")[2].partition("## More")[0]
    assert set(re.findall(r"^\| `(digits_[a-z_]+)`", table, flags=re.MULTILINE)) == counted()


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json"])
def test_rules_and_dashboard_ask_for_metrics_that_there_are(name: str) -> None:
    asked = set(re.findall(r"\bdigits_[a-z_]+", (MONITORING / name).read_text()))
    assert asked
    assert {re.sub(r"_(bucket|sum|count)$", "", each) for each in asked} <= counted()


def test_the_dashboard_is_one() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    assert len({panel["title"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert all(panel["targets"] for panel in dashboard["panels"])
