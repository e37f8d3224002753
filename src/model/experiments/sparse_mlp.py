"""A sparse MLP: as many non-zero parameters as the dense control, better chosen, and no use of the pixels' layout.

It starts as LeNet-300-100 (LeCun et al. 1998) with 266,610 parameters. During training the smallest weights are pruned
on a cubic schedule (Zhu and Gupta, "To prune, or not to prune", 2017) until 6,442 parameters are left. Then the
smallest weights are replaced by pruned ones with large gradients (Evci et al., "Rigging the lottery", 2020). Even so
few weights would overfit the labels, so they mostly learn the softened answers of a dense MLP (Hinton, Vinyals and
Dean, "Distilling the knowledge in a neural network", 2015).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Adam
from torch.optim.lr_scheduler import OneCycleLR

from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist
from src.model.networks import Normalise
from src.model.training.fit import Recipe, fit
from src.model.training.loop import BestEpoch, RunningLoss, distillation_loss, shuffle_batches, train_epoch
from src.model.training.scoring import compute_accuracy, compute_logits

BUDGET = 6_442  # non-zero weights and biases, as many as the dense control has
TEACHER_RECIPE = Recipe(epochs=20, batch=256, learning_rate=2e-3, weight_decay=1e-3, distortion=NONE)


@dataclass(frozen=True)
class SparseConfig:
    """The hyperparameters of the student's training."""

    epochs: int = 50
    batch: int = 256
    learning_rate: float = 3e-3  # of Adam: the peak of the one-cycle schedule
    pixel_dropout: float = 0.15  # share of every picture's pixels that are set to 0, at random
    distillation_weight: float = 0.9  # the distillation's share of the loss
    temperature: float = 2.0  # of the teacher's logits; the student's stay as they are
    prune_start: float = 0.05  # the starts and ends are shares of the whole training
    prune_end: float = 0.3
    prune_every: int = 50  # steps
    regrow_end: float = 0.75
    regrow_every: int = 100  # steps
    regrow_share: float = 0.2  # of the weights replaced at first; falls to 0 along a cosine


CONFIG = SparseConfig()


def build_student() -> nn.Sequential:
    """Build LeNet-300-100, dense: 266,610 parameters."""
    return nn.Sequential(
        Normalise(),
        nn.Flatten(),
        nn.Linear(784, 300),
        nn.ReLU(),
        nn.Linear(300, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )


def build_teacher() -> nn.Sequential:
    """Build the dense MLP that the student learns from, and that is discarded afterwards: 648,010 parameters."""
    return nn.Sequential(
        nn.Dropout(0.1),
        Normalise(),
        nn.Flatten(),
        nn.Linear(784, 500),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(500, 500),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(500, 10),
    )


def fit_sparse(
    mnist: Mnist, seed: int, config: SparseConfig = CONFIG, teacher_recipe: Recipe = TEACHER_RECIPE
) -> tuple[nn.Module, BestEpoch]:
    """Train a teacher, then a student with at most `BUDGET` non-zero parameters; return the student."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # determines the initial weights and the dropout
        teacher = build_teacher()
        fit(teacher, mnist, teacher_recipe, seed)
        student = build_student()
        best = _fit_student(student, mnist, compute_logits(teacher, mnist.train), seed, config)
    student.load_state_dict(best.weights)
    student.eval()
    return student, best


def count_nonzero(network: nn.Module) -> int:
    """Count the weights and biases that are not zero."""
    return sum(int(torch.count_nonzero(parameter)) for parameter in network.parameters())


def count_mask_bits(network: nn.Module) -> int:
    """Return the bits that encode which weights of each layer are non-zero: log2 of the number of such choices."""
    return sum(
        math.ceil(_log2_binomial(weight.numel(), int(torch.count_nonzero(weight)))) for weight in _get_weights(network)
    )


def _log2_binomial(count: int, chosen: int) -> float:
    return (math.lgamma(count + 1) - math.lgamma(chosen + 1) - math.lgamma(count - chosen + 1)) / math.log(2)


class Masks:
    """Which weights are kept: one mask of zeros and ones for each layer."""

    def __init__(self, network: nn.Module) -> None:
        self.weights = _get_weights(network)
        self.masks = [torch.ones_like(weight) for weight in self.weights]
        biases = sum(parameter.numel() for parameter in network.parameters() if parameter.ndim == 1)
        self.total = sum(weight.numel() for weight in self.weights)
        self.target = BUDGET - biases  # weights that are left when pruning has ended

    @torch.no_grad()
    def apply(self) -> None:
        """Set the weights that are not kept to zero."""
        for weight, mask in zip(self.weights, self.masks, strict=True):
            weight.mul_(mask)

    @torch.no_grad()
    def prune(self, progress: float) -> None:
        """Keep the largest weights of all layers together: all of them at progress 0, the target at 1."""
        kept = round(self.target + (self.total - self.target) * (1 - progress) ** 3)
        sizes = torch.cat([weight.abs().flatten() for weight in self.weights])
        if kept < self.total:
            limit = sizes.kthvalue(self.total - kept).values
            self.masks = [(weight.abs() > limit).float() for weight in self.weights]

    @torch.no_grad()
    def regrow(self, share: float, optimiser: Adam) -> None:
        """In each layer, drop a share of the weights, the smallest, and grow those with the largest gradients from 0.

        Needs the gradients of the current step, and Adam's moments, which are reset for the new weights.
        """
        for weight, mask in zip(self.weights, self.masks, strict=True):
            gradient = torch.zeros_like(weight) if weight.grad is None else weight.grad
            count = int(share * mask.sum())
            dropped = torch.where(mask > 0, weight.abs(), math.inf).flatten().topk(count, largest=False).indices
            grown = torch.where(mask > 0, -1, gradient.abs()).flatten().topk(count).indices
            mask.view(-1)[dropped], mask.view(-1)[grown] = 0, 1
            for moment in ("exp_avg", "exp_avg_sq"):
                optimiser.state[weight][moment].view(-1)[grown] = 0


def _fit_student(
    student: nn.Module, mnist: Mnist, teacher_logits: Tensor, seed: int, config: SparseConfig
) -> BestEpoch:
    """Train, prune and regrow; only epochs after the last regrowth can be the best."""
    best, masks, running_loss = BestEpoch(), Masks(student), RunningLoss()
    total = config.epochs * math.ceil(len(mnist.train) / config.batch)
    generator = Generator().manual_seed(seed)
    optimiser = Adam(student.parameters(), config.learning_rate)
    schedule = OneCycleLR(optimiser, config.learning_rate, total_steps=total, pct_start=0.1)
    step = 0
    # between backward pass and update, when the gradients are there
    optimiser.register_step_pre_hook(lambda *_: _regrow(masks, step, total, config, optimiser))

    def compute_losses() -> Iterator[Tensor]:
        for indices in shuffle_batches(len(mnist.train), config.batch, generator):
            digits = mnist.train[indices]
            pixels = digits.pixels()
            kept = torch.rand(pixels.shape, generator=generator) >= config.pixel_dropout
            logits = student(pixels * kept)
            softened = teacher_logits[indices] / config.temperature  # the student itself learns at temperature 1
            label_loss = cross_entropy(logits, digits.labels)
            yield distillation_loss(logits, softened, label_loss, config.distillation_weight, temperature=1)

    for _ in range(config.epochs):
        for _loss in train_epoch(student, optimiser, schedule, compute_losses(), running_loss):
            _prune(masks, step, total, config)
            step += 1
        _zero_unused_biases(student)
        eligible = step > config.regrow_end * total
        best.update(student, running_loss.value, compute_accuracy(student, mnist.validation), eligible)
    return best


def _prune(masks: Masks, step: int, total: int, config: SparseConfig) -> None:
    start, end = config.prune_start * total, config.prune_end * total
    if start <= step <= end and step % config.prune_every == 0:
        masks.prune(min(1, (step - start) / (end - start - config.prune_every)))
    masks.apply()


def _regrow(masks: Masks, step: int, total: int, config: SparseConfig, optimiser: Adam) -> None:
    start, end = config.prune_end * total, config.regrow_end * total
    if start < step <= end and step % config.regrow_every == 0:
        masks.regrow(config.regrow_share * (1 + math.cos(math.pi * (step - start) / (end - start))) / 2, optimiser)


def _get_weights(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.ndim > 1]


@torch.no_grad()
def _zero_unused_biases(network: nn.Module) -> None:
    """Set the biases of units without outgoing weights to zero: they do not change the output."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    for layer, following in pairwise(layers):
        layer.bias[(following.weight == 0).all(0)] = 0
