import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from src.model.training.loop import BestEpoch, autocast, distillation_loss

WEIGHT, TEMPERATURE = 0.7, 2.0


def compute_gradient(loss: Tensor, logits: Tensor) -> Tensor:
    return torch.autograd.grad(loss, logits)[0]


def make_logits() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(5, 10, generator=generator) for _ in range(2))
    return student.requires_grad_(), teacher, torch.arange(5)


def test_distillation_at_temperature_one_learns_mixed_targets() -> None:
    student, teacher, labels = make_logits()
    loss = distillation_loss(student, teacher, cross_entropy(student, labels), WEIGHT, temperature=1)
    targets = torch.lerp(one_hot(labels, 10).float(), teacher.softmax(1), WEIGHT)
    expected = compute_gradient(cross_entropy(student, targets), student)
    torch.testing.assert_close(compute_gradient(loss, student), expected)


def test_distillation_keeps_the_scale_of_gradients_at_higher_temperatures() -> None:
    student, teacher, labels = make_logits()
    loss = distillation_loss(student, teacher, cross_entropy(student, labels), 1.0, TEMPERATURE)
    # Hinton et al. (2015), equation 2, times the squared temperature
    difference = (student / TEMPERATURE).softmax(1) - (teacher / TEMPERATURE).softmax(1)
    torch.testing.assert_close(compute_gradient(loss, student), difference.detach() * TEMPERATURE / len(labels))


def test_only_eligible_epochs_can_be_the_best() -> None:
    network, best = torch.nn.Linear(1, 1), BestEpoch()
    best.update(network, loss=1.0, accuracy=0.9, eligible=False)
    assert not best.weights
    best.update(network, loss=1.0, accuracy=0.5)
    assert (best.accuracy, best.epochs) == (0.5, 2)
    assert torch.equal(best.weights["weight"], network.weight)


@pytest.mark.parametrize(("capability", "expected"), [("avx512_f", False), ("avx512_bf16", True), ("amx_bf16", True)])
def test_a_processor_computes_in_bfloat16_only_if_it_has_the_instructions(
    monkeypatch: pytest.MonkeyPatch, capability: str, expected: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {capability: True})
    with autocast():
        assert torch.is_autocast_enabled("cpu") == expected
