"""An MLP as good as it gets with no more numbers than the control has, and without any use of the pixels' layout.

LeNet-300-100 (LeCun et al. 1998) has 266,610 weights and biases; 6,442 of them, well chosen, read nearly as much. As
it trains, the smallest are taken away on a cubic schedule (Zhu and Gupta, "To prune, or not to prune", 2017). Then
the smallest of what is left change places with those whose gradients are largest (Evci et al., "Rigging the lottery",
2020). So few weights fit the training digits all the same, and so they learn from a dense MLP's answers rather than
from bare labels (Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015).
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, one_hot, softmax
from torch.optim import Adam
from torch.optim.lr_scheduler import OneCycleLR

from src.model.data.augmentation import NONE
from src.model.data.mnist import Digits, Mnist
from src.model.networks import Normalise
from src.model.training.fit import Best, Recipe, Smoothed, fit, shuffled
from src.model.training.scoring import accuracy_of, logits_of

BUDGET = 6_442  # weights and biases, as many as the dense control has
TEACHER = Recipe(epochs=20, batch=256, learning_rate=2e-3, weight_decay=1e-3, distortion=NONE)


@dataclass(frozen=True)
class Schedule:
    """What decides the student's training; times are shares of the run."""

    epochs: int = 50
    batch: int = 256
    learning_rate: float = 3e-3  # of Adam, the peak of one cycle
    hidden_pixels: float = 0.15  # share of every picture's pixels that are blackened, any of them
    trust: float = 0.9  # in the teacher's answers; the rest in the labels
    temperature: float = 2.0  # the temperature of the teacher's answers
    prune_from: float = 0.05
    prune_until: float = 0.3
    prune_every: int = 50  # steps
    move_until: float = 0.75
    move_every: int = 100  # steps
    moved: float = 0.2  # share of the weights that change places, falling to nothing


SCHEDULE = Schedule()


def lenet_300_100() -> nn.Sequential:
    """Build the student, dense: 266,610 parameters."""
    return nn.Sequential(
        Normalise(),
        nn.Flatten(),
        nn.Linear(784, 300),
        nn.ReLU(),
        nn.Linear(300, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )


def teacher() -> nn.Sequential:
    """Build the dense MLP whose answers are learned from: 648,010 parameters, of which nothing is kept."""
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
    mnist: Mnist, seed: int, schedule: Schedule = SCHEDULE, taught: Recipe = TEACHER
) -> tuple[nn.Module, Best]:
    """Train a student of at most `BUDGET` numbers that are not zero, and the teacher first."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of the weights and of what is dropped
        master = teacher()
        fit(master, mnist, taught, seed, lambda _loss, _accuracy: None)
        answers = softmax(logits_of(master, mnist.train) / schedule.temperature, 1)
        student = lenet_300_100()
        best = _learn(student, mnist, answers, seed, schedule)
    student.load_state_dict(best.weights)
    student.eval()
    return student, best


def kept_numbers(network: nn.Module) -> int:
    """Count the weights and biases that are not zero."""
    return sum(int(torch.count_nonzero(parameter)) for parameter in network.parameters())


def mask_bits(network: nn.Module) -> int:
    """Return the bits that say which weights of each layer are left: log2 of how many such choices there are."""
    return sum(math.ceil(_choices(weight.numel(), int(torch.count_nonzero(weight)))) for weight in _weights(network))


def _choices(count: int, chosen: int) -> float:
    return (math.lgamma(count + 1) - math.lgamma(chosen + 1) - math.lgamma(count - chosen + 1)) / math.log(2)


class Masks:
    """Which weights are left, one mask for each layer."""

    def __init__(self, network: nn.Module) -> None:
        self.weights = _weights(network)
        self.masks = [torch.ones_like(weight) for weight in self.weights]
        biases = sum(parameter.numel() for parameter in network.parameters() if parameter.ndim == 1)
        self.total = sum(weight.numel() for weight in self.weights)
        self.least = BUDGET - biases

    @torch.no_grad()
    def apply(self) -> None:
        """Take away what is not left."""
        for weight, mask in zip(self.weights, self.masks, strict=True):
            weight.mul_(mask)

    @torch.no_grad()
    def prune(self, done: float) -> None:
        """Keep the largest weights of all layers together: all of them at 0, the budget's at 1, on a cubic curve."""
        left = round(self.least + (self.total - self.least) * (1 - done) ** 3)
        sizes = torch.cat([weight.abs().flatten() for weight in self.weights])
        if left < self.total:
            limit = sizes.kthvalue(self.total - left).values
            self.masks = [(weight.abs() > limit).float() for weight in self.weights]

    @torch.no_grad()
    def move(self, share: float, optimiser: Adam) -> None:
        """In each layer, give the places of the smallest weights to those with the largest gradients, from zero."""
        for weight, mask in zip(self.weights, self.masks, strict=True):
            gradient = torch.zeros_like(weight) if weight.grad is None else weight.grad
            moved = int(share * mask.sum())
            smallest = torch.where(mask > 0, weight.abs(), math.inf).flatten().topk(moved, largest=False).indices
            wanted = torch.where(mask > 0, -1, gradient.abs()).flatten().topk(moved).indices
            mask.view(-1)[smallest], mask.view(-1)[wanted] = 0, 1
            for moment in ("exp_avg", "exp_avg_sq"):
                optimiser.state[weight][moment].view(-1)[wanted] = 0


def _learn(student: nn.Module, mnist: Mnist, answers: Tensor, seed: int, schedule: Schedule) -> Best:
    """Train, prune and move; only epochs after the last move can be the best."""
    best, masks, losses = Best(), Masks(student), Smoothed()
    total = schedule.epochs * math.ceil(len(mnist.train) / schedule.batch)
    generator = Generator().manual_seed(seed)
    optimiser = Adam(student.parameters(), schedule.learning_rate)
    cycle = OneCycleLR(optimiser, schedule.learning_rate, total_steps=total, pct_start=0.1)
    step = 0
    for _ in range(schedule.epochs):
        student.train()
        for chosen in shuffled(len(mnist.train), schedule.batch, generator):
            loss = _loss(student, mnist.train[chosen], answers[chosen], schedule, generator)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch leaves it without types
            _move(masks, step, total, schedule, optimiser)
            optimiser.step()
            cycle.step()
            _prune(masks, step, total, schedule)
            losses.add(loss.item())
            step += 1
        _silence_dead_units(student)
        settled = step > schedule.move_until * total
        best.offer(student, losses.value, accuracy_of(student, mnist.validation), settled)
    return best


def _loss(student: nn.Module, digits: Digits, answers: Tensor, schedule: Schedule, generator: Generator) -> Tensor:
    pixels = digits.pixels()
    shown = torch.rand(pixels.shape, generator=generator) >= schedule.hidden_pixels
    targets = torch.lerp(one_hot(digits.labels, 10).float(), answers, schedule.trust)
    return cross_entropy(student(pixels * shown), targets)


def _prune(masks: Masks, step: int, total: int, schedule: Schedule) -> None:
    first, last = schedule.prune_from * total, schedule.prune_until * total
    if first <= step <= last and step % schedule.prune_every == 0:
        masks.prune(min(1, (step - first) / (last - first - schedule.prune_every)))
    masks.apply()


def _move(masks: Masks, step: int, total: int, schedule: Schedule, optimiser: Adam) -> None:
    first, last = schedule.prune_until * total, schedule.move_until * total
    if first < step <= last and step % schedule.move_every == 0:
        masks.move(schedule.moved * (1 + math.cos(math.pi * (step - first) / (last - first))) / 2, optimiser)


def _weights(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.ndim > 1]


@torch.no_grad()
def _silence_dead_units(network: nn.Module) -> None:
    """Take the biases of units that nothing listens to: they change no answer."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    for layer, following in pairwise(layers):
        layer.bias[(following.weight == 0).all(0)] = 0
