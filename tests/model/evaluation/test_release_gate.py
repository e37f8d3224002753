import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from src.model.data import mnist
from src.model.data.mnist import Digits, Mnist
from src.model.data.synthetic import EDITION
from src.model.evaluation import release_gate, suite
from src.model.evaluation.report import DigitCounts, Evaluation, path_of, read, save
from src.model.files import sha256
from src.model.inference.artefact import describe, get_paths
from src.settings import ROOT

RELEASE = get_paths(ROOT / "model", "0.0.1")["json"]  # small: quick to measure


def tally(wrong: int = 0, digit: int = 3, pictures: int = 500) -> DigitCounts:
    right = [pictures] * 10
    right[digit] -= wrong
    return DigitCounts(right=right, pictures=[pictures] * 10, calibration_error=0.002, loss=0.03)


def found(**changed: object) -> Evaluation:
    whole = Evaluation(
        version="1.0.0",
        sha256="0" * 64,
        network="cnn",
        parameters=6422,
        bytes=30_000,
        machine="any",
        network_ms=0.05,
        drawing_ms=3.0,
        validation=tally(4),
        practice={"retraced": tally(8), "scanned": tally(8)},
        corrupted={"fog": tally(40), "shear": tally(10)},
        others={"made up": 0.99},
    )
    return whole.model_copy(update=changed)


def test_an_equal_network_may_ship() -> None:
    assert release_gate.faults(found(), found()) == []


def test_a_slightly_worse_network_within_chance_may_ship() -> None:
    assert release_gate.faults(found(validation=tally(8)), found()) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"validation": tally(60)}, "validation digits, where it was"),
        ({"validation": tally(20)}, "misreads 20 of 500 3s, where it was 4"),
        ({"practice": {"retraced": tally(60), "scanned": tally(8)}}, "retraced digits"),
        ({"corrupted": {"fog": tally(90), "shear": tally(30)}}, "corrupted digits"),
        ({"validation": tally(4).model_copy(update={"calibration_error": 0.05})}, "confidence is wrong by 5.00%"),
        ({"others": {"made up": 0.9}}, "from what is none"),
        ({"network_ms": 40.0}, "A picture takes it 40.00 ms"),
    ],
)
def test_whatever_gets_worse_is_told_in_a_sentence(changed: dict[str, object], said: str) -> None:
    sentences = release_gate.faults(found(**changed), found())
    assert any(said in sentence for sentence in sentences), sentences


def test_a_network_that_reads_little_may_not_ship_whatever_was_before() -> None:
    assert (
        "fewer than 90%"
        in release_gate.faults(found(validation=tally(500).model_copy(update={"right": [400] * 10})))[0]
    )


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, few_digits: Mnist) -> Mnist:
    """Let everything be measured on few digits, repeated so that chance explains less."""
    many = Digits(few_digits.validation.images.repeat(5, 1, 1), few_digits.validation.labels.repeat(5))
    monkeypatch.setattr(suite, "CORRUPTED", 20)
    monkeypatch.setattr(suite, "PRACTICE", 200)
    monkeypatch.setattr(suite, "ROUNDS", 3)
    return Mnist(many, many, few_digits.test)


def test_weights_damaged_on_purpose_are_refused(tmp_path: Path, tiny: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "load_mnist", lambda _: tiny)
    damaged = _damaged(tmp_path)
    assert release_gate.main([str(damaged), "--against", str(RELEASE)]) == 1


def test_the_release_may_replace_itself(
    tiny: Mnist, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mnist, "load_mnist", lambda _: tiny)
    assert release_gate.main([str(RELEASE), "--against", str(RELEASE)]) == 0
    assert "may ship" in capsys.readouterr().out


@pytest.mark.parametrize(("pictures", "kept"), [(EDITION, True), ("0.0", False)])
def test_figures_of_other_pictures_are_measured_anew(
    pictures: str, kept: bool, tiny: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "load_mnist", lambda _: tiny)
    monkeypatch.setattr(suite, "evaluate", lambda *_, **__: found(version="measured now"))
    digests = describe(RELEASE).sha256
    save(found(version="0.0.1", sha256=digests["onnx"], pictures=pictures), tmp_path)
    assert release_gate.measured(RELEASE, tmp_path).version == ("0.0.1" if kept else "measured now")


def test_a_missing_candidate_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert release_gate.main(["nowhere.json"]) == 1
    assert "can't be read" in capsys.readouterr().err


def test_an_evaluation_is_kept_and_read_again(tmp_path: Path) -> None:
    path = save(found(), tmp_path)
    assert path == path_of("1.0.0", tmp_path)
    assert read(path) == found()


def _damaged(folder: Path) -> Path:
    """Copy the release with a fifth of its largest layer set to nothing, and its digests made to agree."""
    for kind in ("json", "onnx", "pt"):
        shutil.copy(RELEASE.with_suffix(f".{kind}"), folder / f"mnist-9.9.9.{kind}")
    weights = folder / "mnist-9.9.9.onnx"
    model = onnx.load(weights)
    largest = max(model.graph.initializer, key=lambda each: int(np.prod(each.dims)))
    values = numpy_helper.to_array(largest).copy()
    values.reshape(-1)[np.random.default_rng(0).random(values.size) < 0.2] = 0
    largest.CopyFrom(numpy_helper.from_array(values, largest.name))
    onnx.save(model, weights)
    digests = {"onnx": sha256(weights), "pt": sha256(folder / "mnist-9.9.9.pt")}
    description = describe(RELEASE).model_copy(update={"version": "9.9.9", "sha256": digests})
    path = folder / "mnist-9.9.9.json"
    path.write_text(description.model_dump_json())
    return path
