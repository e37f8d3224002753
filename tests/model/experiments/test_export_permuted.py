"""The artefacts of the lesson on permuted pixels, made from runs that the comparison kept."""

from pathlib import Path

import numpy as np
import pytest
import torch

from src.model import networks
from src.model.data.mnist import Mnist
from src.model.experiments import export_permuted
from src.model.experiments.runs import RunConfig, Trained, permutation
from src.model.inference.artefact import describe, get_paths
from src.model.inference.predictor import Predictor, open_predictor
from src.model.preprocessing.preprocess import preprocess
from src.model.training.scoring import logits_of
from src.settings import ROOT
from tests import pictures
from tests.model.conftest import MAX_PIXELS
from tests.model.experiments.test_results import a_run

PERMUTED = RunConfig("best", "mlp", "permuted", 0)
SHIPPED = ("cnn-permuted", "mlp-permuted", "cnn-recovered")


@pytest.fixture
def kept(few_digits: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a run of each cell, whose layouts were found to the pixel."""
    monkeypatch.setattr(export_permuted, "whole_mnist", lambda: few_digits)
    monkeypatch.setattr(export_permuted, "recover_layout", lambda _: permutation(0).numpy())
    for cell in export_permuted.CELLS:
        network = networks.build_seeded(cell.network, 0)
        data = few_digits if cell.layout == "recovered" else few_digits.permute_pixels(permutation(0))
        Trained(a_run(0, "best"), network.state_dict(), logits_of(network, data.test)).save(
            tmp_path / "kept" / f"{cell.name}.pt"
        )
    return tmp_path / "kept"


def make(kept: Path) -> int:
    return export_permuted.main(["--kept", str(kept), "--out", str(kept.parent)])


def test_each_run_becomes_an_artefact_that_takes_ordinary_pictures(kept: Path, few_digits: Mnist) -> None:
    assert make(kept) == 0
    for cell in export_permuted.CELLS:
        path = kept.parent / f"mnist-{cell.network}-{cell.layout}-0.0.1.json"
        run = Trained.load(kept / f"{cell.name}.pt")
        for ending in (".onnx", ".pt"):
            found = open_predictor(path.with_suffix(ending), MAX_PIXELS).runtime.logits(
                few_digits.test.pixels().numpy()
            )
            assert np.allclose(found, run.logits, atol=1e-4)


def test_what_is_said_of_it_was_measured(kept: Path, few_digits: Mnist) -> None:
    make(kept)
    description = describe(kept.parent / "mnist-mlp-permuted-0.0.1.json")
    right = Trained.load(kept / f"{PERMUTED.name}.pt").logits.argmax(1) == few_digits.test.labels
    assert (description.network, description.parameters) == ("mlp-permuted", 6442)
    assert description.test.accuracy == pytest.approx(float(right.float().mean()))
    assert description.permutation == permutation(0).tolist()


def test_a_run_that_answers_otherwise_than_when_it_was_trained_is_refused(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = kept / f"{PERMUTED.name}.pt"
    run = Trained.load(path)
    Trained(run.run, run.weights, run.logits + 1).save(path)
    assert make(kept) == 1
    assert "doesn't answer as it did" in capsys.readouterr().err


def test_a_version_that_exists_is_refused_before_anything_is_trained(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(kept)
    monkeypatch.setattr(export_permuted, "trained", lambda *_, **__: pytest.fail("trained"))
    assert make(kept) == 1


@pytest.fixture(params=SHIPPED)
def shipped(request: pytest.FixtureRequest) -> Predictor:
    return open_predictor(get_paths(ROOT / "model", f"{request.param}-0.0.1")["json"], MAX_PIXELS)


def test_a_shipped_network_shows_the_picture_in_the_order_that_it_sees_it(shipped: Predictor) -> None:
    order = shipped.description.permutation
    assert order == torch.load(get_paths(ROOT / "model", shipped.description.version)["pt"])["order"].tolist()
    assert sorted(order or []) == list(range(784))
    framed = preprocess(pictures.encoded(pictures.mnist(4)), MAX_PIXELS)
    assert np.array_equal(shipped.predict_framed(framed).pixels.reshape(-1), framed.pixels.reshape(-1)[order])


def test_the_shipped_networks_tell_the_lesson() -> None:
    given, hidden, control, found = (
        describe(get_paths(ROOT / "model", version)["json"]).test.accuracy
        for version in ("0.0.1", *(f"{name}-0.0.1" for name in SHIPPED))
    )
    assert given - hidden > 0.04
    assert abs(found - given) < 0.01
    assert abs(control - describe(get_paths(ROOT / "model", "mlp-0.0.1")["json"]).test.accuracy) < 0.02
