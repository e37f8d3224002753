"""Train a network on MNIST and save it as an artefact.

python -m src.model.train_model --network cnn                  from the repository's root
python src/model/train_model.py --network mlp --epochs 10      the same, by path
torchrun --nproc-per-node 2 -m src.model.train_model           with two processes: see training/distributed.py

By default it writes `model/mnist-<network>-0.0.<n>.*`, which the service loads only on request. The service loads
releases by default; a release gets its version explicitly: `--version 0.0.2`.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]  # when run by path, Python searches only this file's folder

from torch import nn
from tqdm import tqdm

from src.model import networks
from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist, load_mnist
from src.model.errors import ArtefactError, DigitError
from src.model.inference.artefact import VERSION, list_versions, require_free
from src.model.parallel import deterministic_torch
from src.model.training import distributed
from src.model.training.fit import Recipe, RunState, count_steps, run_epochs
from src.model.training.loop import BestEpoch
from src.model.training.saving.calibration import calibrate
from src.model.training.saving.export import save
from src.model.training.saving.metadata import Provenance, describe_model, git_commit
from src.settings import get_settings

RECIPES = {
    "cnn": Recipe(),
    "mlp": Recipe(distortion=NONE),  # the control: learns from undistorted pictures
}
QUICK_DIGITS = 2000  # of each part, in a smoke run of seconds
QUICK_EPOCHS = 2


@dataclass(frozen=True)
class RunOptions:
    """What the command line asks for."""

    version: str
    network: str
    seed: int
    recipe: Recipe
    git_commit: str  # at the start of the run: later edits do not take part in it


def main(arguments: list[str] | None = None) -> int:
    """Train, score and save; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with deterministic_torch(), distributed.process_group():
            return _train(options)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _train(options: argparse.Namespace) -> int:
    run = RunOptions(_choose_version(options), options.network, options.seed, _make_recipe(options), git_commit())
    checkpoint = options.out / f".{run.version}.checkpoint" if distributed.count_processes() > 1 else None
    with distributed.first_before_others():
        mnist = load_mnist(get_settings().data_dir)
        if checkpoint and not distributed.is_restarted():
            checkpoint.unlink(missing_ok=True)  # of a run that ended in another way
    if options.quick:
        mnist = Mnist(mnist.train[:QUICK_DIGITS], mnist.validation[:QUICK_DIGITS], mnist.test[:QUICK_DIGITS])
    network = networks.build_seeded(run.network, run.seed)
    best = _fit_with_progress(network, mnist, run, checkpoint)
    if not best.weights:
        sys.stderr.write("Stopped before the first epoch was complete: nothing is saved.\n")
        return 130
    if distributed.is_first():
        _save(network, mnist, run, best, options.out)
        if checkpoint:
            checkpoint.unlink(missing_ok=True)
    return 0


def _save(network: nn.Module, mnist: Mnist, run: RunOptions, best: BestEpoch, folder: Path) -> None:
    provenance = Provenance(
        run.version, run.network, run.recipe, run.seed, best.epochs, run.git_commit, best.interrupted
    )
    confidence = calibrate(network, mnist.validation, run.recipe.distortion, run.seed)
    description = describe_model(network, provenance, confidence, mnist)
    path = save(network, description, folder)
    sys.stdout.write(
        f"validation {description.validation.accuracy:.2%}, test {description.test.accuracy:.2%} "
        f"(loss {description.test.loss:.4f}); saved {path} with its .onnx and .pt\n"
    )


def _fit_with_progress(network: nn.Module, mnist: Mnist, run: RunOptions, checkpoint: Path | None) -> BestEpoch:
    total, is_first = count_steps(len(mnist.train), run.recipe), distributed.is_first()
    with tqdm(total=total, unit="batch", disable=not is_first) as bar:

        def report(loss: float, accuracy: float) -> None:
            bar.set_postfix(loss=f"{loss:.4f}", validation=f"{accuracy:.2%}", refresh=False)
            bar.update()

        state = RunState.create(network, run.recipe, run.seed, len(mnist.train))
        best = run_epochs(state, mnist, run.recipe, report, checkpoint)
    if best.interrupted:
        sys.stderr.write(f"Stopped after {best.epochs} complete epochs; the best of them is kept.\n")
    return best


def _make_recipe(options: argparse.Namespace) -> Recipe:
    """Return the network's recipe with the changes of the command line."""
    recipe = RECIPES[options.network]
    epochs = QUICK_EPOCHS if options.quick else recipe.epochs
    return replace(
        recipe,
        epochs=options.epochs or epochs,
        batch=options.batch or recipe.batch,
        learning_rate=options.learning_rate or recipe.learning_rate,
    )


def _choose_version(options: argparse.Namespace) -> str:
    """Return the version to save as. Raises `ArtefactError`, before the training, if it is invalid or exists."""
    if options.version:
        if not VERSION.fullmatch(options.version):
            raise ArtefactError(f"{options.version} is not a version: write 1.2.3, or name-1.2.3 for a separate line.")
        require_free(options.out, options.version)
        return str(options.version)
    line = f"{'quick' if options.quick else options.network}-0.0."
    taken = [int(name.removeprefix(line)) for name in list_versions(options.out) if name.startswith(line)]
    return f"{line}{max(taken, default=0) + 1}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--network", choices=sorted(networks.NETWORKS), default="cnn")
    parser.add_argument("--version", help="version to save as (default: the next <network>-0.0.<n>)")
    parser.add_argument("--seed", type=int, default=0, help="determines initial weights, order and distortions")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int, help="pictures per step")
    parser.add_argument("--learning-rate", type=float, help="the peak of the one-cycle schedule")
    parser.add_argument("--quick", action="store_true", help="a smoke run of seconds, on a part of the data")
    parser.add_argument("--out", type=Path, default=get_settings().model_dir, help="folder to save into")
    return parser


if __name__ == "__main__":
    sys.exit(main())
