"""Train a network on MNIST and save it as an artefact.

python -m src.model.train_model --network cnn                  from the repository's root
python src/model/train_model.py --network mlp --epochs 10      the same, by path

A plain run writes `model/mnist-<network>-0.0.<n>.*`, which the service uses only when asked to; a release, which it
serves by default, is named on purpose: `--version 0.0.2`.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]  # when run by path, Python looks beside this file only

import torch
from torch import nn
from tqdm import tqdm

from src.model import networks
from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist, load_mnist
from src.model.errors import ArtefactError, DigitError
from src.model.inference.artefact import VERSION, Description, list_versions, require_free
from src.model.training.calibration import calibrated
from src.model.training.export import save
from src.model.training.fit import Best, Recipe, fit, steps
from src.model.training.metadata import Provenance, git_commit, measured
from src.settings import get_settings

RECIPES = {
    "cnn": Recipe(),
    "mlp": Recipe(distortion=NONE),  # the control: learns pixels, and sees them as they are
}
QUICK_DIGITS = 2000  # of each part: a smoke run of seconds
QUICK_EPOCHS = 2


@dataclass(frozen=True)
class Run:
    """What the command line asked for."""

    version: str
    network: str
    seed: int
    recipe: Recipe
    git_commit: str  # as the run started: what is edited meanwhile has no part in it


def main(arguments: list[str] | None = None) -> int:
    """Train, score, save; return the exit status."""
    options = _parser().parse_args(arguments)
    torch.use_deterministic_algorithms(True)
    try:
        return _train(options)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _train(options: argparse.Namespace) -> int:
    run = Run(_free_version(options), options.network, options.seed, _recipe(options), git_commit())
    mnist = load_mnist(get_settings().data_dir)
    if options.quick:
        mnist = Mnist(mnist.train[:QUICK_DIGITS], mnist.validation[:QUICK_DIGITS], mnist.test[:QUICK_DIGITS])
    network = networks.build_seeded(run.network, run.seed)
    best = _fit_with_bar(network, mnist, run)
    if not best.weights:
        sys.stderr.write("Stopped before the first epoch was whole: there is nothing to keep.\n")
        return 130
    description = _describe(run, network, mnist, best)
    path = save(network, description, options.out)
    sys.stdout.write(
        f"validation {description.validation.accuracy:.2%}, test {description.test.accuracy:.2%} "
        f"(loss {description.test.loss:.4f}); saved {path} with its .onnx and .pt\n"
    )
    return 0


def _fit_with_bar(network: nn.Module, mnist: Mnist, run: Run) -> Best:
    with tqdm(total=steps(len(mnist.train), run.recipe), unit="batch") as bar:

        def report(loss: float, accuracy: float) -> None:
            bar.set_postfix(loss=f"{loss:.4f}", validation=f"{accuracy:.2%}", refresh=False)
            bar.update()

        best = fit(network, mnist, run.recipe, run.seed, report)
    if best.interrupted:
        sys.stderr.write(f"Stopped after {best.epochs} whole epochs; keeping the best of them.\n")
    return best


def _describe(run: Run, network: nn.Module, mnist: Mnist, best: Best) -> Description:
    origin = Provenance(run.version, run.network, run.recipe, run.seed, best.epochs, run.git_commit, best.interrupted)
    confidence = calibrated(network, mnist.validation, run.recipe.distortion, run.seed)
    return measured(network, origin, confidence, mnist)


def _recipe(options: argparse.Namespace) -> Recipe:
    """Return the network's recipe with what the command line says otherwise."""
    recipe = RECIPES[options.network]
    quick = QUICK_EPOCHS if options.quick else recipe.epochs
    return replace(
        recipe,
        epochs=options.epochs or quick,
        batch=options.batch or recipe.batch,
        learning_rate=options.learning_rate or recipe.learning_rate,
    )


def _free_version(options: argparse.Namespace) -> str:
    """Return the version to save as, refusing before the training what would be refused after it."""
    if options.version:
        if not VERSION.fullmatch(options.version):
            raise ArtefactError(f"{options.version} is no version: write 1.2.3, or name-1.2.3 for a line of its own.")
        require_free(options.out, options.version)
        return str(options.version)
    line = f"{'quick' if options.quick else options.network}-0.0."
    taken = [int(name.removeprefix(line)) for name in list_versions(options.out) if name.startswith(line)]
    return f"{line}{max(taken, default=0) + 1}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--network", choices=sorted(networks.NETWORKS), default="cnn")
    parser.add_argument("--version", help="version to save as (default: the next <network>-0.0.<n>)")
    parser.add_argument("--seed", type=int, default=0, help="decides the first weights, the order and the distortions")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--learning-rate", type=float, help="the peak of the one-cycle schedule")
    parser.add_argument("--quick", action="store_true", help="a smoke run of seconds, on a part of the data")
    parser.add_argument("--out", type=Path, default=get_settings().model_dir, help="the folder to save into")
    return parser


if __name__ == "__main__":
    sys.exit(main())
