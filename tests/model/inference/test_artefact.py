import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from src.model import networks
from src.model.errors import ArtefactError
from src.model.inference import artefact
from src.model.inference.artefact import Confidence, Description, Metrics
from src.model.inference.predictor import open_predictor
from src.model.inference.runtime import open_runtime
from src.model.training.saving import export
from src.settings import ROOT
from tests.pictures import all_mnist, encoded, mnist

METRICS = Metrics(accuracy=0.5, loss=1.0, pictures=10)
MAX_PIXELS = 1_000_000


def description(version: str = "0.1.0", preprocessing: int = 1) -> Description:
    return Description(
        version=version,
        network="cnn",
        parameters=6422,
        preprocessing=preprocessing,
        normalisation={"mean": 0.1307, "std": 0.3081},
        confidence=Confidence(temperature=1.5, score_slope=1, score_offset=-5),
        validation=METRICS,
        test=METRICS,
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
    return export.save(networks.build_seeded("cnn", 0), description(), tmp_path_factory.mktemp("model"))


@pytest.fixture
def saved(_saved: Path, tmp_path: Path) -> Path:
    """Return a copy of a saved set, which tests may damage."""
    for path in _saved.parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path / _saved.name


def test_save_writes_three_files(saved: Path) -> None:
    assert {path.name for path in saved.parent.iterdir()} == {f"mnist-0.1.0.{kind}" for kind in ("pt", "onnx", "json")}


def test_saved_artefact_can_be_read(saved: Path) -> None:
    loaded = artefact.describe(saved)
    assert loaded.model_copy(update={"sha256": {}}) == description()
    weights = torch.load(saved.with_suffix(".pt"), weights_only=True)
    assert torch.equal(weights["1.weight"], networks.build_seeded("cnn", 0).state_dict()["1.weight"])


def test_pt_and_onnx_give_the_same_logits(saved: Path) -> None:
    images, _ = all_mnist()
    pixels = np.asarray(images[:, None] / 255, np.float32)
    logits = [open_runtime(saved.with_suffix(kind), "cnn").logits(pixels) for kind in (".pt", ".onnx")]
    assert np.abs(logits[0] - logits[1]).max() < 1e-5


def test_quantised_onnx_is_smaller_and_gives_nearly_the_same_logits(tmp_path: Path) -> None:
    images, _ = all_mnist()
    pixels = torch.from_numpy(np.asarray(images[:, None] / 255, np.float32))
    network = networks.build_seeded("digit", 0)
    path = export.save(network, description().model_copy(update={"network": "digit"}), tmp_path, pixels)
    assert artefact.describe(path).eight_bits
    assert path.with_suffix(".onnx").stat().st_size < path.with_suffix(".pt").stat().st_size / 2
    exact, rounded = (open_runtime(path.with_suffix(kind), "digit").logits(pixels.numpy()) for kind in (".pt", ".onnx"))
    assert np.abs(exact - rounded).mean() < 0.05 * exact.std()
    assert {file.suffix for file in tmp_path.iterdir()} == {".pt", ".onnx", ".json"}


def test_released_pt_and_onnx_predict_alike() -> None:
    released = artefact.find_newest(ROOT / "model")
    predictions = [
        open_predictor(released.with_suffix(kind), MAX_PIXELS).predict(encoded(mnist(4))) for kind in (".pt", ".onnx")
    ]
    assert predictions[0].prediction == predictions[1].prediction == 4
    near = 0.02 if artefact.describe(released).eight_bits else 1e-5
    assert predictions[0].probabilities == pytest.approx(predictions[1].probabilities, abs=near)


def test_onnx_holds_no_paths_of_the_machine(saved: Path) -> None:
    assert str(ROOT).encode() not in saved.with_suffix(".onnx").read_bytes()


def test_permutation_is_saved_under_the_key_order() -> None:
    content = json.loads(description().model_copy(update={"permutation": [1, 0]}).model_dump_json())
    assert content["order"] == [1, 0]
    assert "permutation" not in content
    assert Description.model_validate(content).permutation == [1, 0]


@pytest.mark.parametrize("kind", [".pt", ".onnx"])
def test_weights_with_another_digest_are_refused(saved: Path, kind: str) -> None:
    weights = saved.with_suffix(kind)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtefactError, match=f"mnist-0.1.0{kind} is not the file"):
        artefact.describe(saved)


@pytest.mark.parametrize("kind", [".pt", ".onnx", ".json"])
def test_missing_file_is_refused(saved: Path, kind: str) -> None:
    saved.with_suffix(kind).unlink()
    with pytest.raises(ArtefactError, match=f"mnist-0.1.0{kind}"):
        artefact.describe(saved)


def test_renamed_artefact_is_refused(saved: Path) -> None:
    for kind in (".pt", ".onnx", ".json"):
        saved.with_suffix(kind).rename(saved.parent / f"mnist-0.2.0{kind}")
    with pytest.raises(ArtefactError, match="its name says otherwise"):
        artefact.describe(saved.parent / "mnist-0.2.0.json")


def test_description_without_digests_is_refused(saved: Path) -> None:
    saved.write_text(artefact.describe(saved).model_copy(update={"sha256": {}}).model_dump_json())
    with pytest.raises(ArtefactError, match="digests"):
        artefact.describe(saved)


@pytest.mark.parametrize("network", ["mlp", "transformer"])
def test_weights_of_another_network_are_refused(saved: Path, network: str) -> None:
    with pytest.raises(ArtefactError, match=network):
        open_runtime(saved.with_suffix(".pt"), network)


def test_onnx_file_describes_itself(saved: Path) -> None:
    model = onnx.load(saved.with_suffix(".onnx"))
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert (model.producer_name, model.producer_version) == ("handwritten-digits", "0.1.0")
    assert properties["license"] == "Apache-2.0"
    assert properties["version"] == "0.1.0"
    assert json.loads(properties["confidence"]) == description().confidence.model_dump()
    assert "28x28" in model.graph.input[0].doc_string == properties["images"]
    assert "digit" in model.graph.output[0].doc_string == properties["logits"]


def test_invalid_description_is_refused(saved: Path) -> None:
    saved.write_text(json.dumps({"version": "0.1.0"}))
    with pytest.raises(ArtefactError, match="does not describe a network"):
        artefact.describe(saved)


def test_incompatible_preprocessing_is_refused(tmp_path: Path) -> None:
    path = export.save(networks.build_seeded("cnn", 0), description(preprocessing=99), tmp_path)
    with pytest.raises(ArtefactError, match="preprocessing 99"):
        open_predictor(path, MAX_PIXELS)


def test_version_is_never_overwritten(saved: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(ArtefactError, match="never overwritten"):
        export.save(networks.build_seeded("cnn", 1), description(), saved.parent)
    assert saved.read_bytes() == before


def test_failed_save_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ArtefactError("no")

    monkeypatch.setattr(export, "export_onnx", fail)
    with pytest.raises(ArtefactError):
        export.save(networks.build_seeded("cnn", 0), description(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_are_copied_in_an_order_that_shows_no_part_of_a_network(tmp_path: Path) -> None:
    path = tmp_path / "mnist-0.9.0.json"
    assert [file.suffix for file in artefact.list_files(path)] == [".pt", ".onnx", ".json"]
    path.with_suffix(".sig").touch()
    assert [file.suffix for file in artefact.list_files(path)] == [".pt", ".onnx", ".sig", ".json"]


def test_newest_release_is_found_by_number(tmp_path: Path) -> None:
    for version in ("0.2.0", "0.10.0", "0.9.9", "mlp-3.0.0", "quick-9.0.1"):
        (tmp_path / f"mnist-{version}.json").touch()
    (tmp_path / "mnist-notes.json").touch()
    assert artefact.find_newest(tmp_path).name == "mnist-0.10.0.json"


def test_empty_folder_is_reported_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="make train"):
        artefact.find_newest(tmp_path)


def test_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="neither"):
        open_runtime(tmp_path / "mnist.txt", "cnn")
