"""Fitting a network to digits: one loop for every network and recipe."""

import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from src.model.data.augmentation import NONE, Distortion, augment
from src.model.data.mnist import Digits, Mnist
from src.model.training.scoring import accuracy_of


@dataclass(frozen=True)
class Recipe:
    """What decides a training run, besides network, data and seed."""

    epochs: int = 60
    batch: int = 128
    learning_rate: float = 6e-3  # of AdamW: the peak of one cycle; of SGD: throughout
    weight_decay: float = 1e-4
    distortion: Distortion = field(default_factory=Distortion)
    optimiser: Literal["adamw", "sgd"] = "adamw"
    momentum: float = 0.5  # of SGD


COURSE = Recipe(epochs=1, batch=64, learning_rate=0.01, weight_decay=0, distortion=NONE, optimiser="sgd")


@dataclass
class Best:
    """The weights of the best epoch so far by validation accuracy."""

    weights: dict[str, Tensor] = field(default_factory=dict)  # empty until an epoch is whole
    accuracy: float = 0.0  # 0..1, on validation
    learning: list[tuple[float, float]] = field(default_factory=list)  # of each epoch: training loss, accuracy
    interrupted: bool = False

    @property
    def epochs(self) -> int:
        """Whole epochs trained, the best one and those after it."""
        return len(self.learning)

    def offer(self, network: nn.Module, loss: float, accuracy: float, final: bool = True) -> None:
        """Note an epoch's training loss and validation accuracy, and keep its weights if none was better.

        An epoch that is not `final` is only noted: its network is not yet one that may be kept.
        """
        self.learning.append((round(loss, 4), round(accuracy, 6)))
        if final and accuracy >= self.accuracy:
            self.weights, self.accuracy = deepcopy(network.state_dict()), accuracy


@dataclass
class Smoothed:
    """A running mean of the loss, over the last fifty steps or so."""

    value: float = math.log(10)  # what a network that knows nothing loses

    def add(self, loss: float) -> None:
        """Take the loss of one more step in."""
        self.value += 0.02 * (loss - self.value)


Report = Callable[[float, float], None]  # smoothed loss, best validation accuracy so far; called after each step


def fit(network: nn.Module, mnist: Mnist, recipe: Recipe, seed: int, report: Report) -> Best:
    """Train `network` and leave the weights of its best epoch in it.

    Ctrl-C ends the run early and keeps the best so far. The same arguments give the same bits on one machine.
    """
    best = Best()

    def epoch_done(loss: float) -> None:
        best.offer(network, loss, accuracy_of(network, mnist.validation))

    try:
        for loss in _steps(network, mnist.train, recipe, seed, epoch_done):
            report(loss, best.accuracy)
    except KeyboardInterrupt:
        best.interrupted = True
    if best.weights:
        network.load_state_dict(best.weights)
    network.eval()
    return best


def steps(size: int, recipe: Recipe) -> int:
    """Return how many steps a run over `size` pictures takes."""
    return recipe.epochs * math.ceil(size / recipe.batch)


def _steps(
    network: nn.Module, train: Digits, recipe: Recipe, seed: int, epoch_done: Callable[[float], None]
) -> Iterator[float]:
    """Train step by step, yielding the smoothed loss after each."""
    generator = Generator().manual_seed(seed)
    optimiser, schedule = _optimiser(network, recipe, steps(len(train), recipe))
    loss = Smoothed()
    for _ in range(recipe.epochs):
        network.train()
        for chosen in shuffled(len(train), recipe.batch, generator):
            batch = train[chosen]
            pixels = augment(batch.pixels(), recipe.distortion, generator)
            loss.add(_step(network, optimiser, pixels, batch.labels))
            schedule.step()
            yield loss.value
        epoch_done(loss.value)


def _optimiser(network: nn.Module, recipe: Recipe, total_steps: int) -> tuple[Optimizer, LRScheduler]:
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimiser == "sgd":
        sgd = torch.optim.SGD(network.parameters(), rate, recipe.momentum, weight_decay=decay)
        return sgd, ConstantLR(sgd, factor=1)
    adamw = torch.optim.AdamW(network.parameters(), rate, weight_decay=decay)
    return adamw, OneCycleLR(adamw, rate, total_steps=total_steps)


def shuffled(count: int, size: int, generator: Generator) -> tuple[Tensor, ...]:
    """Return the indices 0..count-1 in a random order, in batches of `size`."""
    return torch.randperm(count, generator=generator).split(size)  # type: ignore[no-untyped-call, no-any-return]


def _step(network: nn.Module, optimiser: Optimizer, pixels: Tensor, labels: Tensor) -> float:
    loss = cross_entropy(network(pixels), labels)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call] # torch leaves it without types
    optimiser.step()
    return loss.item()
