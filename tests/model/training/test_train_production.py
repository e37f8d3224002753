from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from src.model.data import synthetic
from src.model.data.mnist import Mnist
from src.model.inference.artefact import describe, get_paths
from src.model.inference.predictor import Predictor, open_predictor
from src.model.training import fit_resumable, train_production
from src.model.training.fit_resumable import TrainingConfig, TrainingData
from src.model.training.metadata import Provenance
from src.settings import ROOT
from tests.model.conftest import MAX_PIXELS

QUICK = TrainingConfig("micro", epochs=1, mnist=5, practice={"others": 5}, distillation_weight=0.5, eight_bits=True)


@pytest.fixture
def material(few_digits: Mnist) -> TrainingData:
    made = {kind: synthetic.make_synthetic(kind, few_digits.train, 10, seed=0) for kind in synthetic.KINDS}
    return TrainingData(few_digits, made, train_production.teacher_of(get_paths(ROOT / "model", "1.0.0")["onnx"]))


def test_what_was_trained_to_ship_is_saved_and_served(
    material: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_production, "load_synthetic", lambda *_, **__: material.practice)  # making it takes long
    trained = fit_resumable.run(QUICK, 0, material, tmp_path / "training.pt")
    saved = train_production.publish(
        QUICK, trained, Provenance("micro-0.0.1", "micro", QUICK, 0, 1, "abc"), material, tmp_path
    )
    description = describe(saved)
    assert description.recipe["distillation_weight"] == 0.5
    assert description.eight_bits
    pixels = material.mnist.test.pixels()
    with torch.no_grad():
        by_torch = trained.network(pixels).numpy()
    served = open_predictor(saved, MAX_PIXELS).runtime.logits(pixels.numpy())
    np.testing.assert_allclose(served, by_torch, atol=0.5)


def test_a_teacher_answers_as_its_artefact_serves(predictor: Predictor, few_digits: Mnist) -> None:
    weights = get_paths(ROOT / "model", predictor.description.version)["onnx"]
    pixels = few_digits.test.pixels().contiguous(memory_format=torch.channels_last)
    answers = train_production.teacher_of(weights)(pixels)
    np.testing.assert_array_equal(answers.numpy(), predictor.runtime.logits(few_digits.test.pixels().numpy()))


def test_a_training_never_goes_on_with_one_of_other_practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = [
        train_production.CONFIGS["digit"],
        replace(train_production.CONFIGS["digit"], epochs=1),
        train_production.CONFIGS["micro"],
    ]
    kept = [train_production.checkpoint(plan, seed, tmp_path) for plan in plans for seed in (0, 1)]
    monkeypatch.setattr(train_production, "EDITION", "0.0")
    later = [train_production.checkpoint(plan, seed, tmp_path) for plan in plans for seed in (0, 1)]
    assert len(set(kept)) == len(kept)
    assert not set(kept[:4]) & set(later)
    assert kept[4:] == later[4:]  # which learn from no practice


def test_a_seed_that_is_not_trained_cannot_ship(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["digit", "--version", "9.9.9", "--seeds", "3", "--ship", "3", "--out", str(tmp_path)]
    assert train_production.main(asked) == 1
    assert "--ship 3" in capsys.readouterr().err


def test_each_plan_that_names_a_teacher_names_one_that_is_kept() -> None:
    named = [plan.teacher for plan in train_production.CONFIGS.values() if plan.teacher]
    assert named
    for version in named:
        assert describe(get_paths(ROOT / "model", version)["json"]).network == "digit"
