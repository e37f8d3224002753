"""Measure how much the accuracy of the networks that ship depends on the seed: `make seeds`.

Run as `python -m src.model.training.seeds [network …]`. Each network is trained with `SEEDS` seeds. The weights of each
are kept in `model/seeds`, so a seed is trained once; a training that was killed resumes. The official test set is
scored with the final weights of each seed, and selects nothing. Writes docs/results/seeds-<network>.json.
"""

import argparse
import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import BaseModel, Field, computed_field

from src.model import networks
from src.model.data.mnist import Digits, load_mnist
from src.model.data.synthetic import EDITION
from src.model.errors import DigitError
from src.model.files import atomic_path, write_text_atomically
from src.model.training import distributed
from src.model.training.fit_resumable import TrainingConfig, TrainingResult, fit_resumable
from src.model.training.recipes import CHECKPOINTS, CONFIGS, checkpoint_path, load_training_data
from src.model.training.saving.metadata import git_commit
from src.model.training.scoring import score
from src.settings import RESULTS_DIR, get_settings

SEEDS: Final = 5
REPORTED: Final = ("light", "micro")


class SeedResult(BaseModel):
    """The result of one training."""

    seed: int
    validation_accuracy: float = Field(ge=0, le=1)
    test_accuracy: float = Field(ge=0, le=1)
    test_loss: float
    seconds: float = Field(description="of training")
    learning: list[tuple[float, float]] = Field(description="training loss and validation accuracy after each epoch")


class SeedResults(BaseModel):
    """The results of all seeds of one network."""

    network: str
    parameters: int
    seeds: list[SeedResult]

    @computed_field  # type: ignore[prop-decorator] # as pydantic's documentation says
    @property
    def mean(self) -> float:
        """The mean test accuracy."""
        return statistics.fmean(self._accuracies())

    @computed_field  # type: ignore[prop-decorator] # as pydantic's documentation says
    @property
    def worst(self) -> float:
        """The lowest test accuracy."""
        return min(self._accuracies())

    @computed_field  # type: ignore[prop-decorator] # as pydantic's documentation says
    @property
    def standard_error(self) -> float | None:
        """The standard error of the mean test accuracy: how much it would vary with other seeds; None for one seed."""
        accuracies = self._accuracies()
        return statistics.stdev(accuracies) / len(accuracies) ** 0.5 if len(accuracies) > 1 else None

    def _accuracies(self) -> list[float]:
        return [seed.test_accuracy for seed in self.seeds]

    def __str__(self) -> str:
        lines = [f"{self.network}, {self.parameters:,} parameters: MNIST's 10,000 test digits"]
        lines += [f"  seed {seed.seed}          {seed.test_accuracy:.2%}" for seed in self.seeds]
        lines += [f"  mean            {self.mean:.3%}", f"  worst           {self.worst:.2%}"]
        return "\n".join([*lines, *([f"  standard error  {self.standard_error:.3%}"] if self.standard_error else [])])


def main(arguments: list[str] | None = None) -> int:
    """Train what is missing, score, write and print; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m src.model.training.seeds", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("networks", nargs="*", default=REPORTED, metavar="network", help=f"of {', '.join(CONFIGS)}")
    parser.add_argument("--seeds", type=int, nargs="*", default=range(SEEDS), help="default: 0 to 4")
    options = parser.parse_args(arguments)
    try:
        if unknown := set(options.networks) - set(CONFIGS):
            raise DigitError(f"There is no network {', '.join(sorted(unknown))}: choose from {', '.join(CONFIGS)}.")
        with distributed.process_group():
            for name in options.networks:
                _report(CONFIGS[name], options.seeds)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _report(config: TrainingConfig, seeds: list[int]) -> None:
    folder = get_settings().model_dir / "seeds"
    trained = [load_or_train(config, seed, folder) for seed in seeds]
    if not distributed.is_first():
        return
    test = load_mnist(get_settings().data_dir).test
    results = SeedResults(
        network=config.network,
        parameters=networks.count_parameters(trained[0].network),
        seeds=[_describe(seed, result, test) for seed, result in zip(seeds, trained, strict=True)],
    )
    write_text_atomically(RESULTS_DIR / f"seeds-{config.network}.json", results.model_dump_json(indent=1) + "\n")
    sys.stdout.write(f"{results}\n")


def load_or_train(config: TrainingConfig, seed: int, folder: Path) -> TrainingResult:
    """Return the network of a seed from `folder`; train it first, and save it there, if it is missing.

    Raises `DigitError` if what is there was trained with another recipe.
    """
    path = folder / f"{config.network}-{seed}.pt"
    if path.exists():
        return _load(path, config)
    commit = git_commit()
    with distributed.first_before_others():
        data = load_training_data(config, load_mnist(get_settings().data_dir), CHECKPOINTS)
    result = fit_resumable(config, seed, data, checkpoint_path(config, seed, CHECKPOINTS))
    if distributed.is_first():
        parts = {"weights": result.network.state_dict(), "learning": result.learning, "seconds": result.seconds}
        with atomic_path(path) as part:
            torch.save(parts | {"recipe": _describe_recipe(config), "git_commit": commit}, part)
    return result


def _load(path: Path, config: TrainingConfig) -> TrainingResult:
    saved: dict[str, Any] = torch.load(path, "cpu", weights_only=True)
    if saved["recipe"] != _describe_recipe(config):
        raise DigitError(f"{path} was trained with another recipe than today's: move it away to train it again.")
    network = networks.build(config.network)
    network.load_state_dict(saved["weights"])
    learning = [(float(loss), float(accuracy)) for loss, accuracy in saved["learning"]]
    return TrainingResult(network.eval(), learning, float(saved["seconds"]))


def _describe_recipe(config: TrainingConfig) -> dict[str, Any]:
    """Return all that decides what a seed is trained with, in types that torch saves."""
    described = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(config).items()}
    return described | {"edition": EDITION if config.synthetic else None}


def _describe(seed: int, result: TrainingResult, test: Digits) -> SeedResult:
    metrics = score(result.network, test)
    return SeedResult(
        seed=seed,
        validation_accuracy=result.learning[-1][1],
        test_accuracy=metrics.accuracy,
        test_loss=metrics.loss,
        seconds=round(result.seconds),
        learning=result.learning,
    )


if __name__ == "__main__":
    sys.exit(main())
