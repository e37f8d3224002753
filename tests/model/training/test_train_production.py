from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from src.model.data.mnist import Mnist
from src.model.inference.artefact import describe, get_paths
from src.model.inference.predictor import Predictor, open_predictor
from src.model.training import train_production
from src.model.training.fit_resumable import TrainingConfig, TrainingData, fit_resumable
from src.model.training.metadata import Provenance, describe_model
from src.settings import ROOT
from tests.pictures import MAX_PIXELS

CONFIG = TrainingConfig("micro", epochs=1, mnist=5, synthetic={"others": 5}, distillation_weight=0.5, eight_bits=True)


def test_trained_network_is_saved_and_served(
    training_data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_production, "load_synthetic", lambda *_, **__: training_data.synthetic)
    data = replace(training_data, teacher=train_production.load_teacher([get_paths(ROOT / "model", "1.0.0")["onnx"]]))
    result = fit_resumable(CONFIG, 0, data, tmp_path / "training.pt")
    provenance = Provenance("micro-0.0.1", "micro", CONFIG, 0, 1, "abc")
    path = train_production.publish(CONFIG, result, provenance, data, tmp_path)

    description = describe(path)
    assert description.eight_bits
    pixels = data.mnist.test.pixels()
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


def test_teacher_answers_like_the_served_network(predictor: Predictor, few_digits: Mnist) -> None:
    weights = get_paths(ROOT / "model", predictor.description.version)["onnx"]
    pixels = few_digits.test.pixels().contiguous(memory_format=torch.channels_last)
    logits = train_production.load_teacher([weights])(pixels)
    np.testing.assert_array_equal(logits.numpy(), predictor.runtime.logits(few_digits.test.pixels().numpy()))


def test_several_teachers_answer_with_the_mean_of_their_logits(few_digits: Mnist) -> None:
    weights = [get_paths(ROOT / "model", version)["onnx"] for version in ("1.1.0", "1.3.0")]
    pixels = few_digits.test.pixels()
    alone = [train_production.load_teacher([path])(pixels) for path in weights]
    torch.testing.assert_close(train_production.load_teacher(weights)(pixels), (alone[0] + alone[1]) / 2)


def test_training_never_resumes_with_other_synthetic_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digit, micro = train_production.CONFIGS["digit"], train_production.CONFIGS["micro"]
    configs = [digit, replace(digit, epochs=1), micro]
    before = [train_production.checkpoint_path(config, seed, tmp_path) for config in configs for seed in (0, 1)]
    monkeypatch.setattr(train_production, "EDITION", "0.0")
    after = [train_production.checkpoint_path(config, seed, tmp_path) for config in configs for seed in (0, 1)]
    assert len(set(before)) == len(before)
    assert not set(before[:4]) & set(after)
    assert before[4:] == after[4:]  # micro uses no synthetic pictures


def test_seed_that_is_not_trained_cannot_ship(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["digit", "--version", "9.9.9", "--seeds", "3", "--ship", "3", "--out", str(tmp_path)]
    assert train_production.main(arguments) == 1
    assert "--ship 3" in capsys.readouterr().err


def test_every_configured_teacher_is_released() -> None:
    teachers = [version for config in train_production.CONFIGS.values() for version in config.teachers]
    assert teachers
    for version in teachers:
        assert describe(get_paths(ROOT / "model", version)["json"]).version == version
