from dataclasses import replace

import pytest
import torch
from torch import nn

from src.model.data.mnist import Mnist
from src.model.experiments import sparse_mlp
from src.model.experiments.sparse_mlp import BUDGET, SCHEDULE, Masks, fit_sparse, kept_numbers, lenet_300_100, mask_bits
from src.model.networks import count_parameters

SHORT = replace(SCHEDULE, epochs=12, batch=10, prune_every=1, move_every=2)
TAUGHT = replace(sparse_mlp.TEACHER, epochs=1)


def test_the_budget_is_that_of_the_dense_control() -> None:
    assert BUDGET == 6442
    assert count_parameters(lenet_300_100()) == 266_610


def test_a_trained_student_keeps_to_the_budget_and_is_the_same_every_time(few_digits: Mnist) -> None:
    student, best = fit_sparse(few_digits, 0, SHORT, TAUGHT)
    again, _ = fit_sparse(few_digits, 0, SHORT, TAUGHT)
    assert BUDGET - 410 <= kept_numbers(student) <= BUDGET
    assert best.epochs == SHORT.epochs
    assert all(torch.equal(one, other) for one, other in zip(student.parameters(), again.parameters(), strict=True))


def test_no_epoch_before_the_last_move_is_kept(few_digits: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    # the first epoch's network, still dense, would be chosen were it a candidate
    accuracies = iter([1 - epoch / 100 for epoch in range(SHORT.epochs)])
    monkeypatch.setattr(sparse_mlp, "accuracy_of", lambda *_: next(accuracies))
    student, best = fit_sparse(few_digits, 0, SHORT, TAUGHT)
    assert kept_numbers(student) <= BUDGET
    assert best.accuracy == pytest.approx(1 - round(SHORT.move_until * SHORT.epochs) / 100)


def test_pruning_keeps_the_largest_weights_of_all_layers_together() -> None:
    network = lenet_300_100()
    masks = Masks(network)
    masks.prune(1)
    sizes = torch.cat([weight.detach().abs().flatten() for weight in masks.weights])
    left = torch.cat([mask.flatten() for mask in masks.masks]) == 1
    masks.apply()
    assert kept_numbers(network) == BUDGET
    assert sizes[left].min() > sizes[~left].max()


def test_pruning_begins_with_nothing() -> None:
    masks = Masks(lenet_300_100())
    masks.prune(0)
    assert all(bool((mask == 1).all()) for mask in masks.masks)


def test_a_move_brings_in_the_largest_gradients_and_keeps_the_count() -> None:
    network = lenet_300_100()
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
    masks.move(0.01, optimiser)
    assert [int(mask.sum()) for mask in masks.masks] == before
    assert masks.masks[2][row, column] == 1


def test_a_mask_costs_what_it_takes_to_choose_it() -> None:
    layer = nn.Linear(4, 1, bias=False)
    layer.weight.data = torch.tensor([[1.0, 0, 0, 1]])
    assert mask_bits(layer) == 3  # log2 of the six ways to choose two of four, rounded up
    layer.weight.data[:] = 1
    assert mask_bits(layer) == 0


def test_a_unit_that_nobody_hears_keeps_no_bias_and_changes_no_answer() -> None:
    network = lenet_300_100()
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    layers[1].weight.data[:, 7] = 0
    pictures = torch.rand(5, 1, 28, 28)
    before = network(pictures)
    sparse_mlp._silence_dead_units(network)
    assert layers[0].bias[7] == 0
    assert torch.allclose(network(pictures), before)
