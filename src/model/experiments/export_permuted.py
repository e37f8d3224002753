"""Export the networks of the page's experiment on permuted pixels (`make lesson`).

Takes the runs of seed 0 that `make compare RECIPE=best` kept, and trains what is missing: CNN and MLP on permuted
pixels, and the CNN on the layout found again. Each gets the order of its pixels put before it, so that it takes
ordinary pictures like any other network, is measured anew, and saved as `model/mnist-<network>-<layout>-0.0.1.*`.
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
from src.model.experiments.compare import KEPT, trained
from src.model.experiments.layout_recovery import recover_layout
from src.model.experiments.runs import BEST, RunConfig, Trained, permutation, recipe_for, whole_mnist
from src.model.inference.artefact import Description, require_free
from src.model.networks import PermutedInput
from src.model.training.calibration import calibrated
from src.model.training.export import save
from src.model.training.metadata import Provenance, git_commit, measured
from src.model.training.scoring import logits_of
from src.settings import get_settings

SEED = 0
CELLS = (
    RunConfig("best", "cnn", "permuted", SEED),
    RunConfig("best", "mlp", "permuted", SEED),
    RunConfig("best", "cnn", "recovered", SEED),
)


def order_of(cell: RunConfig, mnist: Mnist) -> Tensor:
    """Return from which place of a picture each pixel comes that the cell's network sees, [784]."""
    order = permutation(cell.seed)
    if cell.layout == "permuted":
        return order
    places = recover_layout(mnist.train.permute_pixels(order).images.flatten(1).numpy())
    return order[torch.from_numpy(np.argsort(places))]


def rebuilt(cell: RunConfig, run: Trained, mnist: Mnist) -> PermutedInput:
    """Return a run's network behind the order of its pixels. Raises `ArtefactError` if it answers otherwise than then.

    That is told by its logits of the official test digits, which were kept: no figure is looked at.
    """
    network = networks.build(cell.network)
    network.load_state_dict(run.weights)
    whole = PermutedInput(network, order_of(cell, mnist)).eval()
    if not torch.allclose(logits_of(whole, mnist.test), run.logits, atol=1e-3):
        raise ArtefactError(f"{cell.name} doesn't answer as it did when it was trained: train it again.")
    return whole


def described(cell: RunConfig, network: PermutedInput, mnist: Mnist, version: str, epochs: int) -> Description:
    """Measure `network` and write down what it is."""
    name = f"{cell.network}-{cell.layout}"
    origin = Provenance(version, name, recipe_for(cell), cell.seed, epochs, git_commit())
    # on digits distorted like people's own: behind the order, any network can be shown those
    confidence = calibrated(network, mnist.validation, BEST.distortion, cell.seed)
    return measured(network, origin, confidence, mnist, network.order.tolist())


def main(arguments: list[str] | None = None) -> int:
    """Make what is missing; return the exit status."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)  # as the runs were trained
    torch.use_deterministic_algorithms(True)
    try:
        for cell in CELLS:
            require_free(options.out, version_of(cell, options.numbers))
        for cell, run in zip(CELLS, trained(list(CELLS), options.kept, resume=True), strict=True):
            _make(cell, run, version_of(cell, options.numbers), options.out)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def version_of(cell: RunConfig, numbers: str) -> str:
    """Return the version that a cell's artefact has."""
    return f"{cell.network}-{cell.layout}-{numbers}"


def _make(cell: RunConfig, run: Trained, version: str, folder: Path) -> None:
    mnist = whole_mnist()
    network = rebuilt(cell, run, mnist)
    description = described(cell, network, mnist, version, len(run.run.learning))
    save(network, description, folder)
    sys.stdout.write(f"{version}: test {description.test.accuracy:.2%} (loss {description.test.loss:.4f})\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.model.experiments.export_permuted", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--numbers", default="0.0.1", help="the version's numbers, behind <network>-<layout>-")
    parser.add_argument("--kept", type=Path, default=KEPT, help="the folder with the runs")
    parser.add_argument("--out", type=Path, default=get_settings().model_dir, help="the folder to save into")
    return parser


if __name__ == "__main__":
    sys.exit(main())
