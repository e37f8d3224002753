"""The documents say what the code does: every problem, every setting, every metric."""

import json
import re
import shutil
import subprocess
from contextlib import nullcontext
from http import HTTPStatus
from pathlib import Path

import pytest

from src.app.api.core.metrics import Metrics
from src.app.api.core.problem_types import PROBLEM_TYPES
from src.settings import ROOT, Settings
from tests.app.api.api_client import another_server
from tests.servers import Server

API = (ROOT / "docs" / "api.md").read_text()
SETTINGS = (ROOT / "docs" / "configure.md").read_text().partition("## Composition")[0]
MONITOR = (ROOT / "docs" / "monitor.md").read_text()
MONITORING = ROOT / "docs" / "monitoring"


def test_exactly_the_existing_problems_are_documented() -> None:
    documented = re.findall(r"^\| `/problems/([a-z-]+)` \| (\d+) \|", API, flags=re.MULTILINE)
    assert {name: HTTPStatus(int(status)) for name, status in documented} == {
        name: kind.status for name, kind in PROBLEM_TYPES.items()
    }


def test_exactly_the_existing_settings_are_documented() -> None:
    documented = set(re.findall(r"^\| `DIGITS_([A-Z_]+)`", SETTINGS, flags=re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_the_documented_defaults_are_the_settings() -> None:
    for name, default in re.findall(r"^\| `DIGITS_([A-Z_]+)` \| `([0-9.]+)`", SETTINGS, flags=re.MULTILINE):
        value = Settings.model_fields[name.lower()].default
        assert default == (value if isinstance(value, str) else f"{value:g}" if value < 1000 else str(value)), name


def counted() -> set[str]:
    """Return the names of all metrics."""
    return set(re.findall(r"^# TYPE (\S+)", Metrics(None).render().decode(), flags=re.MULTILINE))


def test_exactly_the_existing_metrics_are_documented() -> None:
    assert set(re.findall(r"^\| `(digits_[a-z_]+)`", MONITOR, flags=re.MULTILINE)) == counted()


def test_exactly_the_existing_alerts_are_documented() -> None:
    table = MONITOR.partition("## Alerts")[2]
    rules = (MONITORING / "alerts.yml").read_text()
    assert re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE) == re.findall(r"- alert: (\w+)", rules)


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json"])
def test_rules_and_dashboard_use_existing_metrics(name: str) -> None:
    asked = set(re.findall(r"\bdigits_[a-z_]+", (MONITORING / name).read_text()))
    assert asked
    assert {re.sub(r"_(bucket|sum|count)$", "", each) for each in asked} <= counted()


def test_dashboard_panels_have_unique_titles_and_targets() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    assert len({panel["title"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert all(panel["targets"] for panel in dashboard["panels"])


def examples() -> list[tuple[str, str]]:
    """Return each call of curl in docs/api.md that is written out, and the line that it prints."""
    return [
        (call, line) for call, line in re.findall(r"^\$ (curl .+)\n(.+)$", API, flags=re.MULTILINE) if "…'" not in call
    ]


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl on this machine")
@pytest.mark.parametrize(("call", "printed"), [example for example in examples() if not example[1].startswith("```")])
def test_documented_examples_print_the_documented_output(
    running_service: Server, tmp_path: Path, call: str, printed: str
) -> None:
    with another_server(DIGITS_FEEDBACK_DIR=tmp_path) if "feedback" in call else nullcontext(running_service) as server:
        command = call.replace("localhost:8000", server.url.removeprefix("http://"))
        run = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    pattern = ".*".join(re.escape(part) for part in printed.split("…"))
    numbers = re.sub(r"0\\\.(\d\d)(?=,)", r"0\\.\\d+", pattern)  # probabilities differ between networks
    assert re.fullmatch(numbers, run.stdout), run.stdout
