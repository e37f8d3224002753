"""One cell of the comparison, trained once: a network, a layout of its pixels, a recipe, a seed."""

import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src.model import networks
from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist, load_mnist
from src.model.experiments import sparse_mlp
from src.model.experiments.layout_recovery import recover_layout
from src.model.experiments.results import Layout, Run
from src.model.files import atomic_path
from src.model.training.fit import COURSE, Best, Recipe, fit
from src.model.training.scoring import figures, logits_of
from src.settings import get_settings

BEST = Recipe(epochs=40, learning_rate=8e-3)
RECIPES = {"course": COURSE, "best": BEST}


@dataclass(frozen=True)
class RunConfig:
    """What is to be trained."""

    recipe: str
    network: str
    layout: Layout
    seed: int

    @property
    def name(self) -> str:
        """A name that no other cell has."""
        return f"{self.recipe}-{self.network}-{self.layout}-{self.seed}"


@dataclass(frozen=True)
class Trained:
    """What became of a cell: its figures, its weights and its logits [10000, 10] of the official test set."""

    run: Run
    weights: dict[str, Tensor]
    logits: Tensor

    def save(self, path: Path) -> None:
        """Write all of it to one file, which appears whole."""
        with atomic_path(path) as part:
            torch.save({"run": self.run.model_dump(), "weights": self.weights, "logits": self.logits}, part)

    @classmethod
    def load(cls, path: Path) -> "Trained":
        """Read what `save` wrote."""
        content = torch.load(path, weights_only=True)
        return cls(Run.model_validate(content["run"]), content["weights"], content["logits"])


@cache
def whole_mnist() -> Mnist:
    """Return MNIST; a process that trains many cells reads it once. Raises `DataError`."""
    return load_mnist(get_settings().data_dir)


def permutation(seed: int) -> Tensor:
    """Return the order, a permutation of 0..783, that hides the layout in all runs of this seed."""
    return torch.from_numpy(np.random.default_rng([784, seed]).permutation(784))


def laid_out(mnist: Mnist, layout: Layout, seed: int) -> Mnist:
    """Return MNIST as it is, permuted, or permuted and recovered from the permuted training pictures alone."""
    if layout == "given":
        return mnist
    hidden = mnist.permute_pixels(permutation(seed))
    if layout == "permuted":
        return hidden
    places = recover_layout(hidden.train.images.flatten(1).numpy())
    return restored(hidden, places)


def restored(hidden: Mnist, places: NDArray[np.int64]) -> Mnist:
    """Return shuffled pictures with each pixel at its place, [784], as `recover_layout` finds them."""
    return hidden.permute_pixels(torch.from_numpy(np.argsort(places)))


def recipe_for(cell: RunConfig) -> Recipe:
    """Return the recipe; distortions move pixels to their neighbours, which a permuted picture doesn't have."""
    recipe = RECIPES[cell.recipe]
    return recipe if cell.network == "cnn" and cell.layout != "permuted" else replace(recipe, distortion=NONE)


def train(mnist: Mnist, cell: RunConfig) -> Trained:
    """Train and score one cell. The test set is scored here, once, with the final weights."""
    start = time.perf_counter()
    data = laid_out(mnist, cell.layout, cell.seed)
    network, best = _fitted(data, cell)
    seconds = time.perf_counter() - start
    logits = logits_of(network, data.test)
    scored = figures(logits.numpy(), data.test.labels.numpy())
    run = Run(
        recipe=cell.recipe,
        network=cell.network,
        layout=cell.layout,
        seed=cell.seed,
        parameters=sparse_mlp.kept_numbers(network),
        mask_bits=sparse_mlp.mask_bits(network) if cell.network == "sparse" else 0,
        test_loss=scored.loss,
        test_accuracy=scored.accuracy,
        seconds=round(seconds, 2),
        learning=best.learning,
    )
    return Trained(run, best.weights, logits)


def _fitted(data: Mnist, cell: RunConfig) -> tuple[nn.Module, Best]:
    if cell.network == "sparse":
        return sparse_mlp.fit_sparse(data, cell.seed)
    network = networks.build_seeded(cell.network, cell.seed)
    return network, fit(network, data, recipe_for(cell), cell.seed, lambda _loss, _accuracy: None)
