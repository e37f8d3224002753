"""One run of the comparison: a network, a layout of its pixels, a recipe and a seed, trained and scored once."""

import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from src.model import networks
from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist, load_mnist
from src.model.experiments import sparse_mlp
from src.model.experiments.layout_recovery import recover_layout
from src.model.experiments.results import Layout, Run
from src.model.files import atomic_path
from src.model.training.fit import COURSE, Recipe, fit
from src.model.training.scoring import compute_logits, compute_metrics
from src.settings import get_settings

BEST = Recipe(epochs=40, learning_rate=8e-3)
RECIPES = {"course": COURSE, "best": BEST}


@dataclass(frozen=True)
class RunConfig:
    """What identifies a run."""

    recipe: str
    network: str
    layout: Layout
    seed: int

    @property
    def name(self) -> str:
        """The name of the run, unique to it."""
        return f"{self.recipe}-{self.network}-{self.layout}-{self.seed}"


@dataclass(frozen=True)
class TrainedRun:
    """A run's results, its weights and its logits [10000, 10] of the official test set."""

    run: Run
    weights: dict[str, Tensor]
    logits: Tensor

    def save(self, path: Path) -> None:
        """Write one file, atomically."""
        with atomic_path(path) as part:
            torch.save({"run": self.run.model_dump(), "weights": self.weights, "logits": self.logits}, part)

    @classmethod
    def load(cls, path: Path) -> "TrainedRun":
        """Read what `save` wrote."""
        content = torch.load(path, weights_only=True)
        return cls(Run.model_validate(content["run"]), content["weights"], content["logits"])


@cache
def load_mnist_once() -> Mnist:
    """Return MNIST, which each process reads only once. Raises `DataError`."""
    return load_mnist(get_settings().data_dir)


def make_permutation(seed: int) -> Tensor:
    """Return the permutation of 0..783 that hides the layout in all runs of this seed."""
    return torch.from_numpy(np.random.default_rng([784, seed]).permutation(784))


def arrange_pixels(mnist: Mnist, layout: Layout, seed: int) -> Mnist:
    """Return MNIST as given, permuted, or permuted and then recovered from the permuted training pictures alone."""
    if layout == "given":
        return mnist
    permuted = mnist.permute_pixels(make_permutation(seed))
    if layout == "permuted":
        return permuted
    return restore_pixels(permuted, recover_layout(permuted.train.images.flatten(1).numpy()))


def restore_pixels(permuted: Mnist, places: NDArray[np.int64]) -> Mnist:
    """Return permuted pictures with each pixel at its place: `places` [784] as `recover_layout` returns them."""
    return permuted.permute_pixels(torch.from_numpy(np.argsort(places)))


def get_recipe(config: RunConfig) -> Recipe:
    """Return the recipe of a run.

    Only the CNN learns from distorted pictures, and not on permuted pixels: a distortion moves ink to neighbouring
    pixels, which permuted pictures do not have.
    """
    recipe = RECIPES[config.recipe]
    return recipe if config.network == "cnn" and config.layout != "permuted" else replace(recipe, distortion=NONE)


def train_run(mnist: Mnist, config: RunConfig) -> TrainedRun:
    """Train and score one run. The official test set is scored here, once, with the final weights."""
    start = time.perf_counter()
    data = arrange_pixels(mnist, config.layout, config.seed)
    if config.network == "sparse":
        network, best = sparse_mlp.fit_sparse(data, config.seed)
    else:
        network = networks.build_seeded(config.network, config.seed)
        best = fit(network, data, get_recipe(config), config.seed)
    seconds = time.perf_counter() - start
    logits = compute_logits(network, data.test)
    metrics = compute_metrics(logits.numpy(), data.test.labels.numpy())
    run = Run(
        recipe=config.recipe,
        network=config.network,
        layout=config.layout,
        seed=config.seed,
        parameters=sparse_mlp.count_nonzero(network),
        mask_bits=sparse_mlp.count_mask_bits(network) if config.network == "sparse" else 0,
        test_loss=metrics.loss,
        test_accuracy=metrics.accuracy,
        seconds=round(seconds, 2),
        learning=best.learning,
    )
    return TrainedRun(run, best.weights, logits)
