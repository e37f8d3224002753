"""Trains the networks that ship: hours long, resumable after a kill, on MNIST and synthetic pictures.

The result is an exponential moving average of the weights (Polyak and Juditsky, 1992) as it is after the last epoch; no
epoch is selected. "No digit" is an eleventh class whose logit is always 0. So the ten logits say which digit a picture
shows, and their free energy log Σ exp says whether it shows a digit at all.
"""

import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name that PyTorch's own documentation gives it
from torch import Generator, Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from src.model import networks
from src.model.data.augmentation import Distortion, augment
from src.model.data.mnist import Digits, Mnist
from src.model.training import distributed
from src.model.training.checkpoint import restore_checkpoint, save_checkpoint
from src.model.training.loop import (
    RunningLoss,
    autocast,
    choose_device,
    distillation_loss,
    shuffle_batches,
    train_epoch,
)
from src.model.training.teaching import TaughtDigits

MNIST_KIND: Final = "mnist"  # beside the kinds of synthetic pictures
DIGIT: Final = Distortion(rotation=12, shear=0.2, stretch=0.12, elastic=1.0, gaps=0.05, specks=0.08)
CHECKPOINTED: Final = ("network", "mean", "optimiser", "schedule")  # parts of the state that have a state_dict


@dataclass(frozen=True)
class TrainingConfig:
    """The hyperparameters of a training. `metadata.RECIPE_KEYS` maps their names to the keys in artefacts."""

    network: str
    epochs: int  # passes over MNIST
    mnist: int = 80  # pictures of MNIST in each batch
    synthetic: dict[str, int] = field(default_factory=dict)  # pictures of each kind of data/synthetic.py in each batch
    distortion: Distortion = DIGIT
    learning_rate: float = 3e-3  # of AdamW: the peak of the one-cycle schedule
    weight_decay: float = 0.05
    ema_decay: float = 0.999  # of the averaged weights, per step
    teachers: tuple[str, ...] = ()  # versions of the artefacts to distil from
    distillation_weight: float = 0.0  # the teachers' share of the loss of which digit it is
    temperature: float = 2.0  # of the teacher's and the student's logits in the distillation
    eight_bits: bool = False  # whether the .onnx is quantised; a small network gains nothing from it

    def count_steps(self, digits: int) -> int:
        """Return the number of steps of the whole training on `digits` pictures of MNIST."""
        return self.epochs * -(-digits // self.mnist)


@dataclass(frozen=True)
class TrainingData:
    """The pictures of a training, and what its teachers answer."""

    mnist: Mnist
    synthetic: dict[str, Digits]  # by kind
    taught: dict[str, TaughtDigits] = field(
        default_factory=dict
    )  # MNIST and each kind of digits, if there are teachers


@dataclass(frozen=True)
class Batch:
    """Distorted pictures; those that teachers have seen come first."""

    pixels: Tensor  # float32 [N, 1, 28, 28] in 0..1
    labels: Tensor  # int64 [N]; 10 is no digit
    taught: Tensor  # the teachers' logits, float32 [digits, 10]; [0, 10] without teachers


@dataclass(frozen=True)
class TrainingResult:
    """The outcome of a training."""

    network: nn.Module  # with the averaged weights, on the CPU
    learning: list[tuple[float, float]]  # of each epoch: training loss, validation accuracy of the averaged weights
    seconds: float


@dataclass
class TrainerState:
    """Everything that changes during a training, and that a checkpoint therefore holds."""

    network: nn.Module
    parallel: nn.Module  # the network, with gradients that are averaged over all processes
    mean: AveragedModel
    optimiser: torch.optim.AdamW
    schedule: OneCycleLR
    generator: Generator
    learning: list[tuple[float, float]] = field(default_factory=list)  # see `TrainingResult`
    seconds: float = 0.0

    @classmethod
    def create(cls, config: TrainingConfig, seed: int, digits: int) -> "TrainerState":
        """Return the state before the first step of a training on `digits` pictures of MNIST."""
        device = choose_device()
        network = networks.build_seeded(config.network, seed).to(device).to(memory_format=torch.channels_last)
        mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay), use_buffers=True)  # type: ignore[no-untyped-call]
        # only the weights of convolutions and linear layers decay, not biases and normalisations
        groups: list[dict[str, object]] = [
            {"params": [weight for weight in network.parameters() if weight.dim() > 1]},
            {"params": [weight for weight in network.parameters() if weight.dim() <= 1], "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, config.learning_rate, weight_decay=config.weight_decay)
        total = config.count_steps(digits)
        schedule = OneCycleLR(optimiser, config.learning_rate, total_steps=total, pct_start=0.1)
        generator = Generator(device).manual_seed(seed)
        return cls(network, distributed.parallelise(network), mean, optimiser, schedule, generator)

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically."""
        save_checkpoint(path, self, CHECKPOINTED, learning=self.learning, seconds=self.seconds)

    def resume(self, path: Path) -> None:
        """Continue from the checkpoint at `path`, if there is one; all processes take that of the first."""
        if state := restore_checkpoint(path, self, CHECKPOINTED):
            self.learning = [(float(loss), float(accuracy)) for loss, accuracy in state["learning"]]
            self.seconds = state["seconds"]

    def copy_averaged(self) -> nn.Module:
        """Return a copy of the averaged network, on the CPU."""
        copy: nn.Module = deepcopy(self.mean.module).cpu().to(memory_format=torch.contiguous_format).eval()
        return copy


def fit_resumable(config: TrainingConfig, seed: int, data: TrainingData, checkpoint: Path) -> TrainingResult:
    """Train all epochs, writing a checkpoint after each; if `checkpoint` exists, continue from it."""
    state = TrainerState.create(config, seed, len(data.mnist.train))
    state.resume(checkpoint)
    for epoch in range(len(state.learning), config.epochs):
        start = time.perf_counter()
        loss = _train_epoch(config, state, data, f"seed {seed}, epoch {epoch + 1} of {config.epochs}")
        accuracy = distributed.compute_accuracy(state.copy_averaged(), data.mnist.validation)
        state.learning.append((round(loss, 5), accuracy))
        state.seconds += time.perf_counter() - start
        if distributed.is_first():
            state.save(checkpoint)
    return TrainingResult(state.copy_averaged(), state.learning, state.seconds)


def _train_epoch(config: TrainingConfig, state: TrainerState, data: TrainingData, title: str) -> float:
    """Train for one pass over MNIST and return the running loss."""
    order = Generator().manual_seed(int(_draw_indices(2**31, 1, state.generator)))
    batches = shuffle_batches(len(data.mnist.train), config.mnist, order)
    distortions, running_loss = distributed.fork(state.generator), RunningLoss()

    def compute_losses() -> Iterator[Tensor]:
        for indices in batches:
            batch = _make_batch(config, data, indices, state, distortions)
            with autocast():
                loss = _compute_loss(config, state.parallel, batch)
            yield distributed.weigh(loss, len(batch.labels), len(indices) + sum(config.synthetic.values()))

    steps = train_epoch(state.network, state.optimiser, state.schedule, compute_losses(), running_loss)
    with tqdm(steps, title, len(batches), unit="step", leave=False, disable=not distributed.is_first()) as bar:
        for loss in bar:
            state.mean.update_parameters(state.network)
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
    distributed.average_buffers(state.network)
    distributed.average_buffers(state.mean)
    return distributed.average(running_loss.value)


def _make_batch(
    config: TrainingConfig, data: TrainingData, indices: Tensor, state: TrainerState, distortions: Generator
) -> Batch:
    """Return MNIST's pictures at `indices` and random synthetic ones. Of several processes, each makes its share."""
    epoch, generator = len(state.learning), state.generator
    chosen = {MNIST_KIND: distributed.take_share(indices, or_all=True)}
    for kind, count in config.synthetic.items():
        chosen[kind] = distributed.take_share(_draw_indices(len(data.synthetic[kind]), count, generator))
    sources = data.synthetic | {MNIST_KIND: data.mnist.train}
    lessons = [data.taught[kind].take(epoch, chosen[kind]) for kind in chosen if kind in data.taught]
    untaught = [sources[kind][chosen[kind]] for kind in chosen if kind not in data.taught]

    parts = [digits for digits, _ in lessons] + untaught
    pixels = [digits.pixels().to(generator.device) for digits, _ in lessons]
    if untaught:
        plain = torch.cat([part.images for part in untaught]).to(generator.device).unsqueeze(1).float() / 255
        pixels.append(augment(plain, config.distortion, distortions))
    return Batch(
        pixels=torch.cat(pixels).contiguous(memory_format=torch.channels_last),
        labels=torch.cat([part.labels for part in parts]).to(generator.device),
        taught=torch.cat([torch.empty(0, 10), *(logits for _, logits in lessons)]).to(generator.device),
    )


def _compute_loss(config: TrainingConfig, network: nn.Module, batch: Batch) -> Tensor:
    """Return the loss of a batch: that a digit is one and nothing else is, and which digit it is.

    Teachers say which digit a picture shows, not whether it shows one. So they replace their share of the second part
    alone, and the labels keep all their weight in the first.
    """
    logits = network(batch.pixels).float()
    loss = F.cross_entropy(append_reject_class(logits), batch.labels)
    count = len(batch.taught)
    if not count:
        return loss
    label_loss = F.cross_entropy(logits[:count], batch.labels[:count])
    taught_loss = distillation_loss(
        logits[:count], batch.taught, label_loss, config.distillation_weight, config.temperature
    )
    return loss + count / len(batch.labels) * (taught_loss - label_loss)


def append_reject_class(logits: Tensor) -> Tensor:
    """Return [N, 11] for logits [N, 10]: the logit of the last class, "no digit", is always 0."""
    return F.pad(logits, (0, 1))


def _draw_indices(count: int, size: int, generator: Generator) -> Tensor:
    """Draw `size` indices of 0..count-1 with replacement; they lie on the CPU whatever the generator's device."""
    return torch.randint(count, (size,), generator=generator, device=generator.device).cpu()
