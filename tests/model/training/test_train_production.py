from pathlib import Path

import numpy as np
import pytest
import torch

from src.model.inference.artefact import describe, get_paths
from src.model.inference.predictor import open_predictor
from src.model.training import train_production
from src.model.training.fit_resumable import TrainingConfig, TrainingData, fit_resumable
from src.model.training.saving.metadata import Provenance, describe_model
from src.settings import ROOT
from tests.pictures import MAX_PIXELS

CONFIG = TrainingConfig("micro", epochs=1, mnist=5, synthetic={"others": 5}, distillation_weight=0.5, eight_bits=True)


def test_trained_network_is_saved_and_served(
    training_data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_production, "load_synthetic", lambda *_, **__: training_data.synthetic)
    result = fit_resumable(CONFIG, 0, training_data, tmp_path / "training.pt")
    provenance = Provenance("micro-0.0.1", "micro", CONFIG, 0, 1, "abc")
    path = train_production.publish(CONFIG, result, provenance, training_data, tmp_path)

    description = describe(path)
    assert description.eight_bits
    pixels = training_data.mnist.test.pixels()
    with torch.no_grad():
        logits = result.network(pixels).numpy()
    served = open_predictor(path, MAX_PIXELS).runtime.logits(pixels.numpy())
    np.testing.assert_allclose(served, logits, atol=0.5)


def test_recipe_keeps_its_published_keys(training_data: TrainingData, tmp_path: Path) -> None:
    result = fit_resumable(CONFIG, 0, training_data, tmp_path / "training.pt")
    provenance = Provenance("micro-0.0.1", "micro", CONFIG, 0, 1, "abc")
    confidence = describe(get_paths(ROOT / "model", "1.1.0")["json"]).confidence
    recipe = describe_model(result.network, provenance, confidence, training_data.mnist).recipe
    published = describe(get_paths(ROOT / "model", "1.1.0")["json"]).recipe
    assert recipe.keys() == published.keys()
    assert (recipe["teaching"], recipe["practice"]) == (0.5, {"others": 5})


def test_a_version_that_exists_is_not_trained_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert train_production.main(["light", "1.4.0"]) == 1
    assert "Versions are never overwritten" in capsys.readouterr().err
