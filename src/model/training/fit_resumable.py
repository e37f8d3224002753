"""Long trainings that can be killed and go on: the loop of the networks that ship.

The weights that count are a running mean of all weights (Polyak and Juditsky, 1992), as they are at the end: nothing is
chosen on the way. What is no digit is an eleventh class whose logit is always 0, so that ten logits say both: which
digit, and by their free energy log Σ exp, whether it is one at all.
"""

import time
from collections.abc import Callable
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
from src.model.files import atomic_path
from src.model.training.fit import Smoothed, shuffled
from src.model.training.scoring import accuracy_of

Teacher = Callable[[Tensor], Tensor]  # logits [N, 10] for pixels [N, 1, 28, 28]

DIGIT: Final = Distortion(rotation=12, shear=0.2, stretch=0.12, elastic=1.0, gaps=0.05, specks=0.08)


@dataclass(frozen=True)
class TrainingConfig:
    """What decides a long training, besides data and seed."""

    network: str
    epochs: int  # passes over MNIST
    mnist: int = 80  # of MNIST's own in each batch
    practice: dict[str, int] = field(
        default_factory=dict
    )  # of each kind of `src/model/data/synthetic.py` in each batch
    distortion: Distortion = DIGIT
    learning_rate: float = 3e-3  # the peak of one cycle of AdamW
    weight_decay: float = 0.05
    ema_decay: float = 0.999  # of the weights, a step
    teacher: str | None = None  # version of the artefact whose answers are followed
    distillation_weight: float = 0.0  # share of the loss that follows them
    temperature: float = 2.0  # the temperature of both answers
    eight_bits: bool = False  # how the network computes where it serves; small ones gain nothing

    def steps(self, digits: int) -> int:
        """Return how many steps the whole training takes on `digits` of MNIST's."""
        return self.epochs * -(-digits // self.mnist)


@dataclass(frozen=True)
class TrainingData:
    """What is learned from."""

    mnist: Mnist
    practice: dict[str, Digits]  # by kind
    teacher: Teacher | None = None  # whoever the plan names


@dataclass(frozen=True)
class Trained:
    """What a training came to."""

    network: nn.Module  # with the mean of the weights, on the CPU
    learning: list[tuple[float, float]]  # of each epoch: training loss, validation accuracy of the mean weights
    seconds: float


@dataclass
class TrainerState:
    """Everything that changes during a training."""

    network: nn.Module
    mean: AveragedModel
    optimiser: torch.optim.AdamW
    schedule: OneCycleLR
    generator: Generator
    learning: list[tuple[float, float]] = field(default_factory=list)  # see `Trained`
    seconds: float = 0.0

    def state(self) -> dict[str, object]:
        """Return all of it, as `torch.save` takes it."""
        parts = {name: getattr(self, name).state_dict() for name in ("network", "mean", "optimiser", "schedule")}
        return {**parts, "generator": self.generator.get_state(), "learning": self.learning, "seconds": self.seconds}

    def load(self, path: Path) -> None:
        """Go on from what `state` returned."""
        kept = torch.load(path, weights_only=True)
        for name in ("network", "mean", "optimiser", "schedule"):
            getattr(self, name).load_state_dict(kept[name])
        self.generator.set_state(kept["generator"].cpu())
        self.learning = [(float(loss), float(accuracy)) for loss, accuracy in kept["learning"]]
        self.seconds = kept["seconds"]


def run(plan: TrainingConfig, seed: int, material: TrainingData, checkpoint: Path) -> Trained:
    """Train whole epochs until the plan is done; after a kill, call again and it goes on from `checkpoint`."""
    runner = _start(plan, seed, len(material.mnist.train))
    if checkpoint.exists():
        runner.load(checkpoint)
    for epoch in range(len(runner.learning), plan.epochs):
        start = time.perf_counter()
        loss = _epoch(plan, runner, material, f"seed {seed}, epoch {epoch + 1} of {plan.epochs}")
        runner.learning.append((round(loss, 5), accuracy_of(_plain(runner.mean), material.mnist.validation)))
        runner.seconds += time.perf_counter() - start
        with atomic_path(checkpoint) as part:
            torch.save(runner.state(), part)
    return Trained(_plain(runner.mean), runner.learning, runner.seconds)


def device() -> torch.device:
    """Return where to train: on a GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _start(plan: TrainingConfig, seed: int, digits: int) -> TrainerState:
    network = networks.build_seeded(plan.network, seed).to(device()).to(memory_format=torch.channels_last)
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(plan.ema_decay), use_buffers=True)  # type: ignore[no-untyped-call]
    optimiser = torch.optim.AdamW(_groups(network, plan.weight_decay), plan.learning_rate)
    schedule = OneCycleLR(optimiser, plan.learning_rate, total_steps=plan.steps(digits), pct_start=0.1)
    return TrainerState(network, mean, optimiser, schedule, Generator(device()).manual_seed(seed))


def _groups(network: nn.Module, decay: float) -> list[dict[str, object]]:
    """Let only weights of convolutions and products decay, not biases and normalisations."""
    wide = [weight for weight in network.parameters() if weight.dim() > 1]
    rest = [weight for weight in network.parameters() if weight.dim() <= 1]
    return [{"params": wide, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]


def _epoch(plan: TrainingConfig, runner: TrainerState, material: TrainingData, title: str) -> float:
    """Train for one pass over MNIST and return the smoothed loss."""
    loss = Smoothed()
    runner.network.train()
    order = Generator().manual_seed(int(_any(2**31, 1, runner.generator)))
    with tqdm(shuffled(len(material.mnist.train), plan.mnist, order), title, unit="step", leave=False) as bar:
        for chosen in bar:
            pixels, labels = _batch(plan, material, chosen, runner.generator)
            with _fast():
                loss.add(_step(plan, runner, pixels, labels, material.teacher))
            bar.set_postfix(loss=f"{loss.value:.4f}", refresh=False)
    return loss.value


def _batch(plan: TrainingConfig, material: TrainingData, chosen: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Return distorted pixels [N, 1, 28, 28] and labels [N] of some of MNIST and some of each kind of practice."""
    parts = [material.mnist.train[chosen]]
    for kind, count in plan.practice.items():
        pictures = material.practice[kind]
        parts.append(pictures[_any(len(pictures), count, generator)])
    images = torch.cat([part.images for part in parts]).to(generator.device)
    labels = torch.cat([part.labels for part in parts]).to(generator.device)
    pixels = augment(images.unsqueeze(1).float() / 255, plan.distortion, generator)
    return pixels.contiguous(memory_format=torch.channels_last), labels


def _step(plan: TrainingConfig, runner: TrainerState, pixels: Tensor, labels: Tensor, teacher: Teacher | None) -> float:
    logits = runner.network(pixels).float()
    loss = F.cross_entropy(with_reject(logits), labels)
    if teacher is not None:
        loss = (1 - plan.distillation_weight) * loss + plan.distillation_weight * _apart(
            logits, teacher(pixels), plan.temperature
        )
    runner.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call] # torch leaves it without types
    runner.optimiser.step()
    runner.schedule.step()
    runner.mean.update_parameters(runner.network)
    return loss.item()


def with_reject(logits: Tensor) -> Tensor:
    """Return [N, 11] for logits [N, 10]: the last class, "no digit", is always 0."""
    return F.pad(logits, (0, 1))


def _apart(logits: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """Return how far logits are from a teacher's.

    Hinton et al., "Distilling the knowledge in a neural network" (2015).
    """
    ours, theirs = (F.log_softmax(values / temperature, 1) for values in (logits, wanted))
    return F.kl_div(ours, theirs, reduction="batchmean", log_target=True) * temperature**2


def _fast() -> torch.autocast:
    """Compute in bfloat16 where the machine does so quickly: twice the speed, and the same answers within noise."""
    kind = device().type
    quick = kind == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.autocast(kind, torch.bfloat16, enabled=quick)


def _any(count: int, size: int, generator: Generator) -> Tensor:
    """Draw `size` indices of 0..count-1, on the CPU whatever the generator's device."""
    return torch.randint(count, (size,), generator=generator, device=generator.device).cpu()


def _plain(mean: AveragedModel) -> nn.Module:
    """Return a copy of the averaged network, on the CPU."""
    copy: nn.Module = deepcopy(mean.module).cpu().to(memory_format=torch.contiguous_format).eval()
    return copy
