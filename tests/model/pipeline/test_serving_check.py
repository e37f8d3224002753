import shutil
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
from onnx import numpy_helper

from src.model.errors import DigitError
from src.model.files import sha256
from src.model.inference.artefact import describe, get_paths
from src.model.params import Serving
from src.model.pipeline import serving_check
from src.model.pipeline.serving_check import ServingResult, check_serving, measure_service
from src.settings import ROOT
from tests.servers import FakeService

RELEASE = get_paths(ROOT / "model", "0.0.1")["json"]
LIMITS = Serving(least_right=10, most_ms=50, most_bytes=2_000_000)
GOOD = ServingResult(correct=10, median_ms=4, bytes=30_000)


@pytest.fixture
def copied_release(tmp_path: Path) -> Path:
    """Return the .json of a copy of a released network."""
    for kind in ("json", "onnx", "pt"):
        shutil.copy(RELEASE.with_suffix(f".{kind}"), tmp_path)
    return tmp_path / RELEASE.name


def test_released_network_reads_all_samples_in_the_real_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_check, "ROUNDS", 1)
    result = check_serving(RELEASE)
    assert result.correct == 10
    assert result.bytes == RELEASE.with_suffix(".onnx").stat().st_size


def test_real_service_answers_with_the_candidate(copied_release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_check, "ROUNDS", 1)
    _always_answer(3, copied_release)
    assert check_serving(copied_release).correct == 1


def test_candidate_that_the_service_can_not_load_is_refused(
    copied_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_check, "START_LIMIT_S", 2)
    copied_release.with_suffix(".onnx").write_bytes(b"no network")
    with pytest.raises(DigitError, match="not get ready"):
        check_serving(copied_release)


def test_service_is_asked_for_every_sample_in_every_round(
    fake_service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    durations_s = [0.001] * 9 + [0.004] * 2 + [0.9] * 9
    ticks = accumulate(step for duration in durations_s for step in (0, duration))  # two for each request
    monkeypatch.setattr(serving_check, "time", SimpleNamespace(perf_counter=ticks.__next__))
    monkeypatch.setattr(serving_check, "ROUNDS", 2)
    fake_service.body = b'{"prediction": 3}'
    correct, median_ms = measure_service(fake_service.url)
    assert correct == 1
    assert median_ms == 4
    samples = [path.read_bytes() for path in sorted((ROOT / "data" / "samples").iterdir())]
    assert fake_service.received == samples * 3


def test_refused_picture_counts_as_an_error(fake_service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_check, "ROUNDS", 1)
    fake_service.status = 422
    fake_service.body = b'{"prediction": 3}'
    assert measure_service(fake_service.url)[0] == 0


def test_network_within_all_limits_has_no_problems() -> None:
    assert GOOD.find_problems(LIMITS) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"correct": 9}, "reads 9 of"), ({"median_ms": 50.1}, "takes 50.1 ms"), ({"bytes": 2_000_001}, "2,000,001 bytes")],
)
def test_each_exceeded_limit_is_named(changes: dict[str, float], problem: str) -> None:
    (sentence,) = GOOD.model_copy(update=changes).find_problems(LIMITS)
    assert problem in sentence


def test_result_keeps_the_keys_of_earlier_reports() -> None:
    assert GOOD.model_dump() == {"right": 10, "median_ms": 4, "bytes": 30_000}


def _always_answer(digit: int, artefact: Path) -> None:
    """Change a network's last bias so that every picture is read as `digit`."""
    weights = artefact.with_suffix(".onnx")
    model = onnx.load(weights)
    (bias,) = [initializer for initializer in model.graph.initializer if list(initializer.dims) == [10]]
    values = numpy_helper.to_array(bias).copy()
    values[digit] += 1e6
    bias.CopyFrom(numpy_helper.from_array(values, bias.name))
    onnx.save(model, weights)
    digests = describe(RELEASE).sha256 | {"onnx": sha256(weights)}
    artefact.write_text(describe(RELEASE).model_copy(update={"sha256": digests}).model_dump_json())
