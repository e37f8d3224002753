from dataclasses import replace

import pytest
import torch
from torch import nn

from src.model.data.mnist import Mnist
from src.model.experiments import sparse_mlp
from src.model.experiments.sparse_mlp import (
    BUDGET,
    CONFIG,
    Masks,
    build_student,
    count_mask_bits,
    count_nonzero,
    fit_sparse,
)
from src.model.networks import count_parameters

SHORT = replace(CONFIG, epochs=12, batch=10, prune_every=1, regrow_every=2)
TEACHER_RECIPE = replace(sparse_mlp.TEACHER_RECIPE, epochs=1)


def test_budget_is_that_of_the_dense_control() -> None:
    assert BUDGET == 6442
    assert count_parameters(build_student()) == 266_610


def test_trained_student_keeps_to_the_budget_and_is_reproducible(few_digits: Mnist) -> None:
    student, best = fit_sparse(few_digits, 0, SHORT, TEACHER_RECIPE)
    again, _ = fit_sparse(few_digits, 0, SHORT, TEACHER_RECIPE)
    assert BUDGET - 410 <= count_nonzero(student) <= BUDGET
    assert best.epochs == SHORT.epochs
    assert all(torch.equal(one, other) for one, other in zip(student.parameters(), again.parameters(), strict=True))


def test_no_epoch_before_the_last_regrowth_is_kept(few_digits: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    # the first epoch, whose network is still dense, is the most accurate
    accuracies = iter([1 - epoch / 100 for epoch in range(SHORT.epochs)])
    monkeypatch.setattr(sparse_mlp, "compute_accuracy", lambda *_: next(accuracies))
    student, best = fit_sparse(few_digits, 0, SHORT, TEACHER_RECIPE)
    assert count_nonzero(student) <= BUDGET
    assert best.accuracy == pytest.approx(1 - round(SHORT.regrow_end * SHORT.epochs) / 100)


def test_pruning_keeps_the_largest_weights_of_all_layers_together() -> None:
    network = build_student()
    masks = Masks(network)
    masks.prune(1)
    sizes = torch.cat([weight.detach().abs().flatten() for weight in masks.weights])
    kept = torch.cat([mask.flatten() for mask in masks.masks]) == 1
    masks.apply()
    assert count_nonzero(network) == BUDGET
    assert sizes[kept].min() > sizes[~kept].max()


def test_nothing_is_pruned_at_the_start() -> None:
    masks = Masks(build_student())
    masks.prune(0)
    assert all(bool((mask == 1).all()) for mask in masks.masks)


def test_regrowth_adds_the_largest_gradients_and_keeps_the_count() -> None:
    network = build_student()
    masks = Masks(network)
    masks.prune(1)
    masks.apply()
    optimiser = torch.optim.Adam(network.parameters())
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    last = masks.weights[2]
    assert last.grad is not None
    row, column = (masks.masks[2] == 0).nonzero()[0]
    last.grad[row, column] = 1
    optimiser.step()
    before = [int(mask.sum()) for mask in masks.masks]
    masks.regrow(0.01, optimiser)
    assert [int(mask.sum()) for mask in masks.masks] == before
    assert masks.masks[2][row, column] == 1


def test_mask_bits_encode_the_choice_of_weights() -> None:
    layer = nn.Linear(4, 1, bias=False)
    layer.weight.data = torch.tensor([[1.0, 0, 0, 1]])
    assert count_mask_bits(layer) == 3  # log2 of the six ways to choose two of four, rounded up
    layer.weight.data[:] = 1
    assert count_mask_bits(layer) == 0


def test_bias_of_an_unused_unit_is_zeroed_without_changing_the_output() -> None:
    network = build_student()
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    layers[1].weight.data[:, 7] = 0
    pictures = torch.rand(5, 1, 28, 28)
    before = network(pictures)
    sparse_mlp._zero_unused_biases(network)
    assert layers[0].bias[7] == 0
    assert torch.allclose(network(pictures), before)
