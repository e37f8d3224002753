import json
from pathlib import Path

import numpy as np
import pytest
import torch

from src.model import networks
from src.model.errors import ArtefactError
from src.model.inference import artefact
from src.model.inference.artefact import Confidence, Description, Metrics
from src.model.inference.predictor import open_predictor
from src.model.inference.runtime import open_runtime
from src.model.training import export
from src.settings import ROOT
from tests.pictures import all_mnist, encoded, mnist

PLOTS_DIR = Metrics(accuracy=0.5, loss=1.0, pictures=10)
MAX_PIXELS = 1_000_000


def description(version: str = "0.1.0", preprocessing: int = 1) -> Description:
    return Description(
        version=version,
        network="cnn",
        parameters=6422,
        preprocessing=preprocessing,
        normalisation={"mean": 0.1307, "std": 0.3081},
        confidence=Confidence(temperature=1.5, score_slope=1, score_offset=-5),
        validation=PLOTS_DIR,
        test=PLOTS_DIR,
        seed=0,
        recipe={},
        epochs=1,
        interrupted=False,
        data_sha256={},
        git_commit="unknown",
        libraries={},
        threads=1,
        created="2026-01-01T00:00:00+00:00",
        sha256={},
    )


@pytest.fixture(scope="module")
def _saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export.save(networks.seeded("cnn", 0), description(), tmp_path_factory.mktemp("model"))


@pytest.fixture
def saved(_saved: Path, tmp_path: Path) -> Path:
    """Return a copy of a saved set, to be damaged at will."""
    for path in _saved.parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path / _saved.name


def test_three_files_appear_and_nothing_else(saved: Path) -> None:
    assert {path.name for path in saved.parent.iterdir()} == {f"mnist-0.1.0.{kind}" for kind in ("pt", "onnx", "json")}


def test_what_was_saved_comes_back(saved: Path) -> None:
    loaded = artefact.describe(saved)
    assert loaded.model_copy(update={"sha256": {}}) == description()
    weights = torch.load(saved.with_suffix(".pt"), weights_only=True)
    assert torch.equal(weights["1.weight"], networks.seeded("cnn", 0).state_dict()["1.weight"])


def test_pt_and_onnx_give_the_same_answers(saved: Path) -> None:
    images, _ = all_mnist()
    pixels = np.asarray(images[:, None] / 255, np.float32)
    answers = [open_runtime(saved.with_suffix(kind), "cnn").logits(pixels) for kind in (".pt", ".onnx")]
    assert np.abs(answers[0] - answers[1]).max() < 1e-5


def test_an_onnx_in_eight_bits_is_smaller_and_answers_nearly_the_same(tmp_path: Path) -> None:
    images, _ = all_mnist()
    pixels = torch.from_numpy(np.asarray(images[:, None] / 255, np.float32))
    network = networks.seeded("digit", 0)
    path = export.save(network, description().model_copy(update={"network": "digit"}), tmp_path, pixels)
    assert artefact.describe(path).eight_bits
    assert path.with_suffix(".onnx").stat().st_size < path.with_suffix(".pt").stat().st_size / 2
    exact, rounded = (open_runtime(path.with_suffix(kind), "digit").logits(pixels.numpy()) for kind in (".pt", ".onnx"))
    assert np.abs(exact - rounded).mean() < 0.05 * exact.std()
    assert {file.suffix for file in tmp_path.iterdir()} == {".pt", ".onnx", ".json"}


def test_the_shipped_pt_and_onnx_read_alike() -> None:
    released = artefact.newest(ROOT / "model")
    predictions = [
        open_predictor(released.with_suffix(kind), MAX_PIXELS).predict(encoded(mnist(4))) for kind in (".pt", ".onnx")
    ]
    assert predictions[0].prediction == predictions[1].prediction == 4
    near = 0.02 if artefact.describe(released).eight_bits else 1e-5
    assert predictions[0].probabilities == pytest.approx(predictions[1].probabilities, abs=near)


def test_no_trace_of_the_machine_is_in_the_onnx(saved: Path) -> None:
    assert str(ROOT).encode() not in saved.with_suffix(".onnx").read_bytes()


@pytest.mark.parametrize("kind", [".pt", ".onnx"])
def test_a_set_that_does_not_belong_together_is_refused(saved: Path, kind: str) -> None:
    weights = saved.with_suffix(kind)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtefactError, match=f"mnist-0.1.0{kind} is not the file"):
        artefact.describe(saved)


@pytest.mark.parametrize("kind", [".pt", ".onnx", ".json"])
def test_a_set_with_a_file_missing_is_refused(saved: Path, kind: str) -> None:
    saved.with_suffix(kind).unlink()
    with pytest.raises(ArtefactError, match=f"mnist-0.1.0{kind}"):
        artefact.describe(saved)


def test_a_set_under_another_name_is_refused(saved: Path) -> None:
    for kind in (".pt", ".onnx", ".json"):
        saved.with_suffix(kind).rename(saved.parent / f"mnist-0.2.0{kind}")
    with pytest.raises(ArtefactError, match="its name says otherwise"):
        artefact.describe(saved.parent / "mnist-0.2.0.json")


def test_a_description_without_digests_is_refused(saved: Path) -> None:
    saved.write_text(artefact.describe(saved).model_copy(update={"sha256": {}}).model_dump_json())
    with pytest.raises(ArtefactError, match="digests"):
        artefact.describe(saved)


@pytest.mark.parametrize("network", ["mlp", "transformer"])
def test_weights_of_another_network_than_described_are_refused(saved: Path, network: str) -> None:
    with pytest.raises(ArtefactError, match=network):
        open_runtime(saved.with_suffix(".pt"), network)


def test_a_damaged_description_is_refused(saved: Path) -> None:
    saved.write_text(json.dumps({"version": "0.1.0"}))
    with pytest.raises(ArtefactError, match="does not describe a network"):
        artefact.describe(saved)


def test_an_artefact_of_another_preprocessing_is_refused(tmp_path: Path) -> None:
    path = export.save(networks.seeded("cnn", 0), description(preprocessing=99), tmp_path)
    with pytest.raises(ArtefactError, match="preprocessing 99"):
        open_predictor(path, MAX_PIXELS)


def test_a_version_is_never_overwritten(saved: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(ArtefactError, match="never overwritten"):
        export.save(networks.seeded("cnn", 1), description(), saved.parent)
    assert saved.read_bytes() == before


def test_a_save_that_fails_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ArtefactError("no")

    monkeypatch.setattr(export, "export_onnx", fail)
    with pytest.raises(ArtefactError):
        export.save(networks.seeded("cnn", 0), description(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_newest_release_is_served_and_lines_of_their_own_are_not(tmp_path: Path) -> None:
    for version in ("0.2.0", "0.10.0", "0.9.9", "mlp-3.0.0", "quick-9.0.1"):
        (tmp_path / f"mnist-{version}.json").touch()
    (tmp_path / "mnist-notes.json").touch()
    assert artefact.newest(tmp_path).name == "mnist-0.10.0.json"


def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="make train"):
        artefact.newest(tmp_path)


def test_other_files_are_no_weights(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="neither"):
        open_runtime(tmp_path / "mnist.txt", "cnn")
