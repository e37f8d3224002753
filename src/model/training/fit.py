"""Trains a network on MNIST in memory, in minutes, and keeps its best epoch."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from src.model.data.augmentation import NONE, Distortion, augment
from src.model.data.mnist import Digits, Mnist
from src.model.training import distributed
from src.model.training.checkpoint import restore_checkpoint, save_checkpoint
from src.model.training.loop import BestEpoch, RunningLoss, shuffle_batches, train_epoch

CHECKPOINTED: Final = ("network", "optimiser", "schedule")  # parts of the state that have a state_dict


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


@dataclass
class RunState:
    """Everything that changes during a run, and that a checkpoint therefore holds."""

    network: nn.Module
    optimiser: Optimizer
    schedule: LRScheduler
    generator: Generator
    best: BestEpoch = field(default_factory=BestEpoch)
    running_loss: RunningLoss = field(default_factory=RunningLoss)

    @classmethod
    def create(cls, network: nn.Module, recipe: Recipe, seed: int, digits: int) -> "RunState":
        """Return the state before the first step of a run over `digits` pictures."""
        optimiser, schedule = _make_optimiser(network, recipe, count_steps(digits, recipe))
        return cls(network, optimiser, schedule, Generator().manual_seed(seed))

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically."""
        save_checkpoint(path, self, CHECKPOINTED, best=vars(self.best), loss=self.running_loss.value)

    def resume(self, path: Path) -> None:
        """Continue from the checkpoint at `path`, if there is one; all processes take that of the first."""
        if state := restore_checkpoint(path, self, CHECKPOINTED):
            self.best, self.running_loss = BestEpoch(**state["best"]), RunningLoss(state["loss"])


def fit(network: nn.Module, mnist: Mnist, recipe: Recipe, seed: int, report: Report | None = None) -> BestEpoch:
    """Train `network`, load the weights of its best epoch into it, and return them.

    Ctrl-C ends the run early and keeps the best epoch so far. On one machine, the same arguments give the same weights
    bit by bit.
    """
    return run_epochs(RunState.create(network, recipe, seed, len(mnist.train)), mnist, recipe, report)


def run_epochs(
    state: RunState, mnist: Mnist, recipe: Recipe, report: Report | None = None, checkpoint: Path | None = None
) -> BestEpoch:
    """Do what `fit` does, from a state on; with a `checkpoint`, go on from there, and write it after each epoch."""
    if checkpoint:
        state.resume(checkpoint)
    network, best = state.network, state.best
    parallel = distributed.parallelise(network)
    try:
        for _ in range(best.epochs, recipe.epochs):
            losses = _compute_losses(parallel, mnist.train, recipe, state.generator)
            for loss in train_epoch(network, state.optimiser, state.schedule, losses, state.running_loss):
                if report:
                    report(loss, best.accuracy)
            distributed.average_buffers(network)
            accuracy = distributed.compute_accuracy(network, mnist.validation)
            state.running_loss.value = distributed.average(state.running_loss.value)  # as in a run that resumes
            best.update(network, state.running_loss.value, accuracy)
            if checkpoint and distributed.is_first():
                state.save(checkpoint)
    except KeyboardInterrupt:
        best.interrupted = True
    if best.weights:
        network.load_state_dict(best.weights)
    network.eval()
    return best


def _compute_losses(network: nn.Module, train: Digits, recipe: Recipe, generator: Generator) -> Iterator[Tensor]:
    """Yield the loss of each batch of an epoch; of several processes, each computes that of its share."""
    batches = shuffle_batches(len(train), recipe.batch, generator)
    distortions = distributed.fork(generator)
    for indices in batches:
        share = train[distributed.take_share(indices, or_all=True)]
        loss = cross_entropy(network(augment(share.pixels(), recipe.distortion, distortions)), share.labels)
        yield distributed.weigh(loss, len(share), len(indices))


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
