from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import one_hot

from src.model.data.mnist import Digits
from src.model.parallel import deterministic_torch
from src.model.training import fit_resumable as module
from src.model.training.fit_resumable import (
    Batch,
    TrainerState,
    TrainingConfig,
    TrainingData,
    append_reject_class,
    fit_resumable,
)
from src.model.training.teaching import TaughtDigits

CONFIG = TrainingConfig("micro", epochs=2, mnist=10, synthetic={"others": 5}, ema_decay=0.5)


def test_resumed_training_reaches_the_same_weights(
    training_data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninterrupted = fit_resumable(CONFIG, 0, training_data, tmp_path / "uninterrupted.pt")
    train_epoch, titles = module._train_epoch, list[str]()

    def train_one_epoch_only(config: TrainingConfig, state: TrainerState, data: TrainingData, title: str) -> float:
        titles.append(title)
        if len(titles) == 2:
            raise KeyboardInterrupt
        return train_epoch(config, state, data, title)

    monkeypatch.setattr(module, "_train_epoch", train_one_epoch_only)
    with pytest.raises(KeyboardInterrupt):
        fit_resumable(CONFIG, 0, training_data, tmp_path / "killed.pt")
    resumed = fit_resumable(CONFIG, 0, training_data, tmp_path / "killed.pt")
    assert len(titles) == 3
    for name, weights in uninterrupted.network.state_dict().items():
        assert torch.equal(weights, resumed.network.state_dict()[name]), name
    assert resumed.learning == uninterrupted.learning


def test_finished_training_is_not_repeated(training_data: TrainingData, tmp_path: Path) -> None:
    first = fit_resumable(CONFIG, 0, training_data, tmp_path / "done.pt")
    again = fit_resumable(CONFIG, 0, training_data, tmp_path / "done.pt")
    assert again.seconds == first.seconds


def test_reject_class_has_logit_zero() -> None:
    logits = append_reject_class(torch.tensor([[-5.0] * 10, [9.0] + [0.0] * 9]))
    assert logits[:, 10].tolist() == [0, 0]
    assert logits.argmax(1).tolist() == [10, 0]


def teach_threes(digits: Digits) -> TaughtDigits:
    """Return undistorted digits whose teacher takes every picture for a three."""
    logits = 9.0 * one_hot(torch.full((len(digits),), 3), 10)
    return TaughtDigits(digits.images[None], logits[None].half(), digits.labels)


@pytest.mark.parametrize("threads", [1, 2])
def test_student_learns_the_answers_of_its_teacher(training_data: TrainingData, tmp_path: Path, threads: int) -> None:
    config = replace(CONFIG, epochs=12, distillation_weight=1.0, synthetic={})
    data = replace(training_data, taught={"mnist": teach_threes(training_data.mnist.train)})
    pixels = training_data.mnist.train.pixels()
    with deterministic_torch(threads):
        untaught = TrainerState.create(config, 0, len(pixels)).copy_averaged()
        taught = fit_resumable(config, 0, data, tmp_path / "student.pt").network
    # rounding differs between processors, so a few digits may keep their own answer
    agreement = [float((network(pixels).argmax(1) == 3).float().mean()) for network in (untaught, taught)]
    assert agreement[0] < 0.5
    assert agreement[1] > 0.9


def test_epochs_take_turns_between_the_copies_that_teachers_have_seen(training_data: TrainingData) -> None:
    digits = training_data.mnist.train
    copies = torch.stack([torch.full_like(digits.images, tone) for tone in (51, 102)])
    logits = torch.stack([torch.full((len(digits), 10), float(copy)) for copy in range(2)])
    data = replace(training_data, taught={"mnist": TaughtDigits(copies, logits, digits.labels)})
    for epoch, tone in enumerate([0.2, 0.4, 0.2]):
        state = TrainerState.create(CONFIG, 0, len(digits))
        state.learning = [(0.0, 0.0)] * epoch
        batch = module._make_batch(CONFIG, data, torch.tensor([2, 0]), state, state.generator)
        assert torch.allclose(batch.pixels[:2], torch.tensor(tone))
        assert batch.taught.tolist() == [[epoch % 2] * 10] * 2
        assert batch.labels[:2].tolist() == digits.labels[[2, 0]].tolist()
        assert batch.labels[2:].tolist() == [10] * 5  # pictures that are no digits: teachers are not asked


def test_labels_of_non_digits_count_as_much_with_a_teacher() -> None:
    logits = torch.linspace(-1, 1, 40).reshape(4, 10).requires_grad_()
    labels = torch.tensor([3, 7, 10, 10])
    gradients = []
    for taught in (torch.empty(0, 10), 9.0 * one_hot(torch.tensor([3, 3]), 10)):
        loss = module._compute_loss(
            replace(CONFIG, distillation_weight=0.9), torch.nn.Identity(), Batch(logits, labels, taught)
        )
        gradients.append(torch.autograd.grad(loss, logits)[0])
    torch.testing.assert_close(gradients[1][2:], gradients[0][2:])
    assert not torch.allclose(gradients[1][:2], gradients[0][:2])
