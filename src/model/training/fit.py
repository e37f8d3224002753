"""Trains a network on MNIST in memory, in minutes, and keeps its best epoch."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from src.model.data.augmentation import NONE, Distortion, augment
from src.model.data.mnist import Mnist
from src.model.training.loop import BestEpoch, RunningLoss, shuffle_batches, train_epoch
from src.model.training.scoring import compute_accuracy


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of a run."""

    epochs: int = 60
    batch: int = 128
    learning_rate: float = 6e-3  # AdamW: the peak of the one-cycle schedule; SGD: constant
    weight_decay: float = 1e-4
    distortion: Distortion = field(default_factory=Distortion)
    optimiser: Literal["adamw", "sgd"] = "adamw"
    momentum: float = 0.5  # SGD only


# The recipe of the master's course that published the comparison.
COURSE = Recipe(epochs=1, batch=64, learning_rate=0.01, weight_decay=0, distortion=NONE, optimiser="sgd")

Report = Callable[[float, float], None]  # called after each step with the running loss and best validation accuracy


def fit(network: nn.Module, mnist: Mnist, recipe: Recipe, seed: int, report: Report | None = None) -> BestEpoch:
    """Train `network`, load the weights of its best epoch into it, and return them.

    Ctrl-C ends the run early and keeps the best epoch so far. On one machine, the same arguments give the same weights
    bit by bit.
    """
    best, running_loss = BestEpoch(), RunningLoss()
    generator = Generator().manual_seed(seed)
    optimiser, schedule = _make_optimiser(network, recipe, count_steps(len(mnist.train), recipe))

    def compute_losses() -> Iterator[Tensor]:
        for indices in shuffle_batches(len(mnist.train), recipe.batch, generator):
            batch = mnist.train[indices]
            yield cross_entropy(network(augment(batch.pixels(), recipe.distortion, generator)), batch.labels)

    try:
        for _ in range(recipe.epochs):
            for loss in train_epoch(network, optimiser, schedule, compute_losses(), running_loss):
                if report:
                    report(loss, best.accuracy)
            best.update(network, running_loss.value, compute_accuracy(network, mnist.validation))
    except KeyboardInterrupt:
        best.interrupted = True
    if best.weights:
        network.load_state_dict(best.weights)
    network.eval()
    return best


def count_steps(size: int, recipe: Recipe) -> int:
    """Return the number of steps of a run over `size` pictures."""
    return recipe.epochs * math.ceil(size / recipe.batch)


def _make_optimiser(network: nn.Module, recipe: Recipe, total_steps: int) -> tuple[Optimizer, LRScheduler]:
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimiser == "sgd":
        sgd = torch.optim.SGD(network.parameters(), rate, recipe.momentum, weight_decay=decay)
        return sgd, ConstantLR(sgd, factor=1)
    adamw = torch.optim.AdamW(network.parameters(), rate, weight_decay=decay)
    return adamw, OneCycleLR(adamw, rate, total_steps=total_steps)
