"""The training loop that all trainers share: shuffled batches, optimiser steps, and the weights of the best epoch.

A trainer makes its batches and computes their losses in a generator, and passes the losses to `train_epoch`. Losses are
pulled one at a time, after the update for the previous one, so that the body of the caller's loop runs after each step.
"""

import math
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name that PyTorch's own documentation gives it
from torch import Generator, Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

BFLOAT16: Final = ("avx512_bf16", "amx_bf16", "bf16")  # instructions of x86 and ARM processors


@dataclass
class RunningLoss:
    """An exponential moving average of the loss over about the last fifty steps."""

    value: float = math.log(10)  # the loss of a network that gives every digit the same probability

    def add(self, loss: float) -> None:
        """Include the loss of one more step."""
        self.value += 0.02 * (loss - self.value)


@dataclass
class BestEpoch:
    """The weights of the best epoch so far by validation accuracy."""

    weights: dict[str, Tensor] = field(default_factory=dict)  # empty until an epoch is complete
    accuracy: float = 0.0  # 0..1, on validation
    learning: list[tuple[float, float]] = field(default_factory=list)  # training loss and accuracy of each epoch
    interrupted: bool = False

    @property
    def epochs(self) -> int:
        """The number of complete epochs, those after the best one included."""
        return len(self.learning)

    def update(self, network: nn.Module, loss: float, accuracy: float, eligible: bool = True) -> None:
        """Record an epoch's training loss and validation accuracy, and copy the weights if no epoch was better.

        The weights of an epoch that is not `eligible` are never kept.
        """
        self.learning.append((round(loss, 4), round(accuracy, 6)))
        if eligible and accuracy >= self.accuracy:
            self.weights, self.accuracy = deepcopy(network.state_dict()), accuracy


def train_epoch(
    network: nn.Module,
    optimiser: Optimizer,
    schedule: LRScheduler,
    losses: Iterable[Tensor],
    running_loss: RunningLoss,
) -> Iterator[float]:
    """Update the weights once for each loss, and yield the running loss after each update."""
    network.train()
    for loss in losses:
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it without types
        optimiser.step()
        schedule.step()
        running_loss.add(loss.item())
        yield running_loss.value


def shuffle_batches(count: int, size: int, generator: Generator) -> tuple[Tensor, ...]:
    """Return the indices 0..count-1 in a random order, in batches of `size`; the last batch may be smaller."""
    return torch.randperm(count, generator=generator).split(size)  # type: ignore[no-untyped-call, no-any-return]


def distillation_loss(
    logits: Tensor, teacher_logits: Tensor, label_loss: Tensor, weight: float, temperature: float
) -> Tensor:
    """Return `label_loss` mixed with the divergence of a student's logits [N, 10] from its teacher's.

    The divergence KL(teacher ‖ student) is taken at `temperature`, multiplied by its square to keep the gradients'
    scale, and gets the share `weight`. Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network" (2015).
    """
    student, teacher = (F.log_softmax(values / temperature, 1) for values in (logits, teacher_logits))
    divergence = F.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2
    return (1 - weight) * label_loss + weight * divergence


def choose_device() -> torch.device:
    """Return the device to train on: a GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast() -> torch.autocast:
    """Compute in bfloat16 on a GPU, and on a processor that multiplies it; elsewhere in float32.

    Both are equally accurate within noise. On a processor with AVX-512 but no instructions for bfloat16, PyTorch
    computes in it by way of float32: a step of `light` takes 1.7 times as long as in float32, a wide teacher twice.
    """
    kind = choose_device().type
    capabilities = torch.cpu.get_capabilities()
    supported = kind == "cuda" or any(capabilities.get(name) for name in BFLOAT16)
    return torch.autocast(kind, torch.bfloat16, enabled=supported)
