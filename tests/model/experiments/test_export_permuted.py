from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from src.model import networks
from src.model.data.mnist import Mnist
from src.model.errors import ArtefactError
from src.model.experiments import export_permuted
from src.model.experiments.runs import RunConfig, TrainedRun, make_permutation
from src.model.inference.artefact import describe, get_paths
from src.model.inference.predictor import Predictor, open_predictor
from src.model.preprocessing.preprocess import preprocess
from src.model.training.scoring import compute_logits
from src.settings import ROOT
from tests import pictures
from tests.model.experiments.make_run import MakeRun
from tests.model.references import few_references
from tests.pictures import MAX_PIXELS

PERMUTED_MLP = RunConfig("best", "mlp", "permuted", 0)
SHIPPED = ("cnn-permuted", "mlp-permuted", "cnn-recovered")


@pytest.fixture(scope="module")
def runs(few_digits: Mnist, make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a folder with every run, untrained; the recovery of the layout is exact."""
    folder = tmp_path_factory.mktemp("runs")
    for config in export_permuted.RUNS:
        network = networks.build_seeded(config.network, 0)
        data = few_digits if config.layout == "recovered" else few_digits.permute_pixels(make_permutation(0))
        logits = compute_logits(network, data.test)
        TrainedRun(make_run(recipe="best"), network.state_dict(), logits).save(folder / f"{config.name}.pt")
    with few_references(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_permuted, "load_mnist_once", lambda: few_digits)
        patch.setattr(export_permuted, "recover_layout", lambda _: make_permutation(0).numpy())
        yield folder


@pytest.fixture(scope="module")
def exported(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the exported artefacts."""
    folder = tmp_path_factory.mktemp("model")
    settings = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    assert export(runs, folder) == 0
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == settings
    return folder


def export(runs: Path, folder: Path) -> int:
    return export_permuted.main(["--kept", str(runs), "--out", str(folder)])


@pytest.mark.parametrize("config", export_permuted.RUNS, ids=lambda config: config.name)
def test_exported_networks_take_ordinary_pictures(
    config: RunConfig, runs: Path, exported: Path, few_digits: Mnist
) -> None:
    saved = TrainedRun.load(runs / f"{config.name}.pt")
    for ending in ("onnx", "pt"):
        path = get_paths(exported, f"{config.network}-{config.layout}-0.0.1")[ending]
        logits = open_predictor(path, MAX_PIXELS).runtime.logits(few_digits.test.pixels().numpy())
        assert np.allclose(logits, saved.logits, atol=1e-4)


def test_description_holds_the_measured_accuracy_and_the_permutation(
    runs: Path, exported: Path, few_digits: Mnist
) -> None:
    description = describe(get_paths(exported, "mlp-permuted-0.0.1")["json"])
    correct = TrainedRun.load(runs / f"{PERMUTED_MLP.name}.pt").logits.argmax(1) == few_digits.test.labels
    assert (description.network, description.parameters) == ("mlp-permuted", 6442)
    assert description.test.accuracy == pytest.approx(float(correct.float().mean()))
    assert description.permutation == make_permutation(0).tolist()


def test_run_whose_logits_changed_is_refused(runs: Path, few_digits: Mnist) -> None:
    trained = TrainedRun.load(runs / f"{PERMUTED_MLP.name}.pt")
    assert export_permuted.rebuild_network(PERMUTED_MLP, trained, few_digits)
    changed = TrainedRun(trained.run, trained.weights, trained.logits + 1)
    with pytest.raises(ArtefactError, match="doesn't answer as it did"):
        export_permuted.rebuild_network(PERMUTED_MLP, changed, few_digits)


def test_existing_version_is_refused_before_training(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_paths(tmp_path, "cnn-recovered-0.0.1")["json"].touch()
    monkeypatch.setattr(export_permuted, "train_missing", lambda *_: pytest.fail("trained"))
    assert export(runs, tmp_path) == 1


@pytest.fixture(params=SHIPPED)
def shipped(request: pytest.FixtureRequest) -> Predictor:
    return open_predictor(get_paths(ROOT / "model", f"{request.param}-0.0.1")["json"], MAX_PIXELS)


def test_shipped_network_shows_the_picture_as_it_sees_it(shipped: Predictor) -> None:
    order = shipped.description.permutation
    assert order == torch.load(get_paths(ROOT / "model", shipped.description.version)["pt"])["order"].tolist()
    assert sorted(order or []) == list(range(784))
    candidates = preprocess(pictures.encoded(pictures.mnist(4)), MAX_PIXELS)
    shown = shipped.predict_candidates(candidates).pixels
    assert np.array_equal(shown.reshape(-1), candidates[0].pixels.reshape(-1)[order])


def test_permutation_costs_the_shipped_cnn_accuracy_and_recovery_restores_it() -> None:
    given, permuted, mlp_permuted, recovered = (
        describe(get_paths(ROOT / "model", version)["json"]).test.accuracy
        for version in ("0.0.1", *(f"{name}-0.0.1" for name in SHIPPED))
    )
    assert given - permuted > 0.04
    assert abs(recovered - given) < 0.01
    assert abs(mlp_permuted - describe(get_paths(ROOT / "model", "mlp-0.0.1")["json"]).test.accuracy) < 0.02
