from dataclasses import replace
from pathlib import Path

import pytest
import torch

from src.model.data import synthetic
from src.model.data.mnist import Mnist
from src.model.training import fit_resumable
from src.model.training.fit_resumable import TrainingConfig, TrainingData

PLAN = TrainingConfig("micro", epochs=2, mnist=10, practice={"others": 5}, ema_decay=0.5)


@pytest.fixture(scope="module")
def material(few_digits: Mnist) -> TrainingData:
    return TrainingData(few_digits, {"others": synthetic.make_synthetic("others", few_digits.train, 20, seed=0)})


def test_a_killed_training_goes_on_to_the_same_weights(
    material: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit_resumable.run(PLAN, 0, material, tmp_path / "whole.pt")
    train, calls = fit_resumable._epoch, []

    def killed(plan: TrainingConfig, runner: fit_resumable.TrainerState, given: TrainingData, title: str) -> float:
        calls.append(title)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(plan, runner, given, title)

    monkeypatch.setattr(fit_resumable, "_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        fit_resumable.run(PLAN, 0, material, tmp_path / "killed.pt")
    resumed = fit_resumable.run(PLAN, 0, material, tmp_path / "killed.pt")
    for name, weights in whole.network.state_dict().items():
        assert torch.equal(weights, resumed.network.state_dict()[name]), name
    assert resumed.learning == whole.learning


def test_a_finished_training_is_not_run_again(material: TrainingData, tmp_path: Path) -> None:
    first = fit_resumable.run(PLAN, 0, material, tmp_path / "done.pt")
    again = fit_resumable.run(PLAN, 0, material, tmp_path / "done.pt")
    assert again.seconds == first.seconds


def test_no_digit_is_an_eleventh_class_whose_logit_stays_nothing() -> None:
    logits = fit_resumable.with_reject(torch.tensor([[-5.0] * 10, [9.0] + [0.0] * 9]))
    assert logits.shape == (2, 11)
    assert logits.argmax(1).tolist() == [10, 0]


def stubborn(pixels: torch.Tensor) -> torch.Tensor:
    """Answer as a teacher for whom everything is a three."""
    return 9.0 * torch.nn.functional.one_hot(torch.full((len(pixels),), 3), 10)


def test_a_pupil_learns_its_teachers_answers(material: TrainingData, tmp_path: Path) -> None:
    plan = replace(PLAN, epochs=6, distillation_weight=1.0, practice={})
    pupil = fit_resumable.run(plan, 0, replace(material, teacher=stubborn), tmp_path / "pupil.pt").network
    assert (pupil(material.mnist.train.pixels()).argmax(1) == 3).all()
