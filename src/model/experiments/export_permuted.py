"""Export the networks of the page's experiment on permuted pixels (`make lesson`).

Loads the runs of seed 0 that `make compare RECIPE=best` saved, and trains those that are missing: CNN and MLP on
permuted pixels, and the CNN on the recovered layout. Each network gets its permutation as a first layer, so that it
takes ordinary pictures, is scored again, and is saved as `model/mnist-<network>-<layout>-0.0.1.*`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from src.model import networks
from src.model.data.mnist import Mnist
from src.model.errors import ArtefactError, DigitError
from src.model.experiments.compare import RUNS_DIR, train_missing
from src.model.experiments.layout_recovery import recover_layout
from src.model.experiments.runs import BEST, RunConfig, TrainedRun, get_recipe, load_mnist_once, make_permutation
from src.model.inference.artefact import require_free
from src.model.networks import PermutedInput
from src.model.parallel import deterministic_torch
from src.model.training.saving.calibration import calibrate
from src.model.training.saving.export import save
from src.model.training.saving.metadata import Provenance, describe_model, git_commit
from src.model.training.scoring import compute_logits
from src.settings import get_settings

RUNS = (
    RunConfig("best", "cnn", "permuted", seed=0),
    RunConfig("best", "mlp", "permuted", seed=0),
    RunConfig("best", "cnn", "recovered", seed=0),
)


def main(arguments: list[str] | None = None) -> int:
    """Export every run; return the exit status."""
    options = _parser().parse_args(arguments)
    versions = [f"{config.network}-{config.layout}-{options.numbers}" for config in RUNS]
    try:
        for version in versions:
            require_free(options.out, version)
        with deterministic_torch(threads=1):  # as the runs were trained
            for config, trained, version in zip(RUNS, train_missing(list(RUNS), options.kept), versions, strict=True):
                _export(config, trained, version, options.out)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _export(config: RunConfig, trained: TrainedRun, version: str, folder: Path) -> None:
    """Describe the network of a run and save it as an artefact."""
    mnist = load_mnist_once()
    network = rebuild_network(config, trained, mnist)
    name, epochs = f"{config.network}-{config.layout}", len(trained.run.learning)
    provenance = Provenance(version, name, get_recipe(config), config.seed, epochs, git_commit())
    # on distorted digits, as people draw them: with its permutation, any network can be shown those
    confidence = calibrate(network, mnist.validation, BEST.distortion, config.seed)
    description = describe_model(network, provenance, confidence, mnist, network.order.tolist())
    save(network, description, folder)
    sys.stdout.write(f"{version}: test {description.test.accuracy:.2%} (loss {description.test.loss:.4f})\n")


def rebuild_network(config: RunConfig, trained: TrainedRun, mnist: Mnist) -> PermutedInput:
    """Return the network of a run with its permutation as the first layer.

    Raises `ArtefactError` if its logits of the official test digits differ from those that the run saved.
    """
    network = networks.build(config.network)
    network.load_state_dict(trained.weights)
    permuted = PermutedInput(network, find_pixel_order(config, mnist)).eval()
    if not torch.allclose(compute_logits(permuted, mnist.test), trained.logits, atol=1e-3):
        raise ArtefactError(f"{config.name} doesn't answer as it did when it was trained: train it again.")
    return permuted


def find_pixel_order(config: RunConfig, mnist: Mnist) -> Tensor:
    """Return for each pixel that the run's network sees its place in an ordinary picture, [784]."""
    permutation = make_permutation(config.seed)
    if config.layout == "permuted":
        return permutation
    places = recover_layout(mnist.train.permute_pixels(permutation).images.flatten(1).numpy())
    return permutation[torch.from_numpy(np.argsort(places))]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.model.experiments.export_permuted", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--numbers", default="0.0.1", help="numbers of the version <network>-<layout>-<numbers>")
    parser.add_argument("--kept", type=Path, default=RUNS_DIR, help="folder with the runs")
    parser.add_argument("--out", type=Path, default=get_settings().model_dir, help="folder to save into")
    return parser


if __name__ == "__main__":
    sys.exit(main())
