import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from src.model.data.mnist import Digits, Mnist
from src.model.data.synthetic import EDITION
from src.model.evaluation import release_gate, suite
from src.model.evaluation.report import save_evaluation
from src.model.files import sha256
from src.model.inference.artefact import describe, get_paths
from src.settings import ROOT
from tests.model.evaluations import make_counts, make_evaluation
from tests.model.references import few_references

RELEASE = get_paths(ROOT / "model", "0.0.1")["json"]  # small, so that it is measured quickly


def test_equal_network_may_be_released() -> None:
    assert release_gate.find_problems(make_evaluation(), make_evaluation()) == []


def test_network_that_is_worse_within_chance_may_be_released() -> None:
    assert release_gate.find_problems(make_evaluation(validation=make_counts(8)), make_evaluation()) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"validation": make_counts(60)}, "It reads 98.80% of the validation digits; the baseline reads 99.92%."),
        (
            {"validation": make_counts(20)},
            "misreads 20 of 500 3s among the validation digits",
        ),
        ({"synthetic": {"retraced": make_counts(60), "scanned": make_counts(8)}}, "of the retraced digits"),
        ({"corrupted": {"fog": make_counts(90), "shear": make_counts(30)}}, "of the corrupted digits"),
        ({"validation": make_counts(4).model_copy(update={"calibration_error": 0.05})}, "calibration error is 5.00%"),
        ({"non_digit_auroc": {"made up": 0.9}}, "(made up) with AUROC 0.9000, not 0.9900"),
        ({"network_ms": 40.0}, "It takes 40.00 ms for a picture"),
    ],
)
def test_each_regression_is_named(changes: dict[str, object], problem: str) -> None:
    problems = release_gate.find_problems(make_evaluation(**changes), make_evaluation())
    assert any(problem in sentence for sentence in problems), problems


def test_network_below_the_minimum_accuracy_is_refused_without_a_baseline() -> None:
    (problem,) = release_gate.find_problems(make_evaluation(validation=make_counts(501, pictures=500)))
    assert problem == "It reads 89.98% of the validation digits, fewer than 90%."


@pytest.fixture
def small_suite(monkeypatch: pytest.MonkeyPatch, few_digits: Mnist) -> Iterator[None]:
    """Measure on few digits, repeated so that errors exceed chance, and compare non-digits with fewer digits.

    In this process: others would not see what is changed here.
    """
    monkeypatch.setattr(suite, "in_parallel", map)
    repeated = Digits(few_digits.validation.images.repeat(5, 1, 1), few_digits.validation.labels.repeat(5))
    monkeypatch.setattr(release_gate, "load_mnist", lambda _: Mnist(repeated, repeated, few_digits.test))
    monkeypatch.setattr(suite, "CORRUPTED_SIZE", 20)
    monkeypatch.setattr(suite, "SYNTHETIC_SIZE", 200)
    monkeypatch.setattr(suite, "REJECTION_SIZE", 5)
    for size in ("CROPS_SIZE", "PHOTOS_SIZE", "NUMBERS_SIZE"):
        monkeypatch.setattr(suite, size, 3)
    monkeypatch.setattr(suite, "TIMED_RUNS", 3)
    with few_references():
        yield


@pytest.mark.usefixtures("small_suite")
def test_slightly_damaged_weights_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release_gate.main([str(_damage_release(tmp_path)), "--against", str(RELEASE)]) == 1
    assert "digit score" in capsys.readouterr().out


@pytest.mark.usefixtures("small_suite")
def test_release_may_replace_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert release_gate.main([str(RELEASE), "--against", str(RELEASE)]) == 0
    assert capsys.readouterr().out == "mnist-0.0.1 may be released.\n"


@pytest.mark.parametrize(("edition", "version"), [(EDITION, "0.0.1"), ("0.0", "measured now")])
@pytest.mark.usefixtures("small_suite")
def test_saved_evaluation_of_other_pictures_is_measured_again(
    edition: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "evaluate", lambda *_, **__: make_evaluation(version="measured now"))
    digest = describe(RELEASE).sha256["onnx"]
    save_evaluation(make_evaluation(version="0.0.1", sha256=digest, edition=edition), tmp_path)
    assert release_gate.load_or_measure(RELEASE, tmp_path).version == version


def test_missing_candidate_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert release_gate.main(["nowhere.json"]) == 1
    assert "can't be read" in capsys.readouterr().err


def _damage_release(folder: Path) -> Path:
    """Copy the release with three tenths of its largest layer set to zero, and with digests that fit."""
    for kind in ("json", "onnx", "pt"):
        shutil.copy(RELEASE.with_suffix(f".{kind}"), folder / f"mnist-9.9.9.{kind}")
    weights = folder / "mnist-9.9.9.onnx"
    model = onnx.load(weights)
    largest = max(model.graph.initializer, key=lambda initializer: int(np.prod(initializer.dims)))
    values = numpy_helper.to_array(largest).copy()
    values.reshape(-1)[np.random.default_rng(0).random(values.size) < 0.3] = 0
    largest.CopyFrom(numpy_helper.from_array(values, largest.name))
    onnx.save(model, weights)
    digests = {"onnx": sha256(weights), "pt": sha256(folder / "mnist-9.9.9.pt")}
    description = describe(RELEASE).model_copy(update={"version": "9.9.9", "sha256": digests})
    path = folder / "mnist-9.9.9.json"
    path.write_text(description.model_dump_json())
    return path
