"""A candidate is tried in the real service before it may ship: it must load, read what is known, be quick and small."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from src.model.errors import DigitError
from src.model.inference.artefact import find_newest
from src.model.params import Serving
from src.model.pipeline import serving_check
from src.model.pipeline.serving_check import Trial, attempt
from src.settings import ROOT

LIMITS = Serving(least_right=10, most_ms=50, most_bytes=2_000_000)
GOOD = Trial(right=10, median_ms=4, bytes=30_000)


def test_the_shipped_network_passes_in_the_real_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_check, "ROUNDS", 1)
    found = attempt(find_newest(ROOT / "model"))
    assert found.right == 10
    assert 0 < found.median_ms < 10_000
    assert found.bytes == find_newest(ROOT / "model").with_suffix(".onnx").stat().st_size


def test_a_network_that_the_service_can_not_load_is_no_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_check, "START_LIMIT_S", 2)
    released = find_newest(ROOT / "model")
    for kind in ("json", "pt"):
        shutil.copy(released.with_suffix(f".{kind}"), tmp_path)
    (tmp_path / released.name).with_suffix(".onnx").write_bytes(b"no network")
    with pytest.raises(DigitError, match="not get ready"):
        attempt(tmp_path / released.name)


def test_within_the_limits_nothing_is_wrong() -> None:
    assert GOOD.faults(LIMITS) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"right": 9}, "reads 9 of"), ({"median_ms": 50.1}, "takes 50.1 ms"), ({"bytes": 2_000_001}, "2,000,001 bytes")],
)
def test_each_limit_is_named(changes: dict[str, float], said: str) -> None:
    (fault,) = replace(GOOD, **changes).faults(LIMITS)  # type: ignore[arg-type] # of three types
    assert said in fault
