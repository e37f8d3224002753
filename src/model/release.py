"""Train the networks that ship, one seed after another, and save the first as an artefact.

python -m src.model.release digit --version 1.0.0            make train-production
python -m src.model.release micro --version micro-1.0.0      make train-micro

A training that was killed goes on where it was. Which seed ships is settled before any is scored: the first. The
official test set is scored once for each seed, with its last weights, and chooses nothing.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from pydantic import BaseModel, Field
from torch import nn

from src.model import marathon, networks
from src.model.artefact import Confidence, require_free
from src.model.augment import augment
from src.model.calibrate import fitted
from src.model.dataset import Digits, Mnist, load
from src.model.description import Origin, figures, measured
from src.model.eight_bits import sample
from src.model.errors import DigitError
from src.model.export import git_commit, save
from src.model.files import write_whole
from src.model.fit import logits_of
from src.model.marathon import Material, Plan, Trained
from src.model.practice import KINDS, practice
from src.model.results import RESULTS
from src.settings import ROOT, get_settings

PRACTICE: Final = {"retraced": 10, "scanned": 10, "written": 12, "worn": 8, "others": 18}  # in each batch
PLANS: Final = {
    "digit": Plan("digit", epochs=32, practice=PRACTICE, eight_bits=True),
    "micro": Plan("micro", epochs=120, mnist=128, learning_rate=8e-3, weight_decay=0.01, teaching=0.9),
}
TEACHER: Final = "digit"  # of `micro`: its first seed
SEEDS: Final = 3
KEPT: Final = ROOT / "data" / "training"
FITTING: Final = 3000  # pictures of each kind that confidence is fitted on


class Seed(BaseModel):
    """What one training came to."""

    seed: int
    validation_accuracy: float = Field(ge=0, le=1)
    test_accuracy: float = Field(ge=0, le=1)
    test_loss: float
    seconds: float = Field(description="of training")
    learning: list[tuple[float, float]] = Field(description="training loss and validation accuracy after each epoch")


class Seeds(BaseModel):
    """All trainings of one plan."""

    network: str
    parameters: int
    seeds: list[Seed]

    def __str__(self) -> str:
        found = [seed.test_accuracy for seed in self.seeds]
        return f"{self.network}: test {sum(found) / len(found):.2%} (mean of {len(found)}), worst {min(found):.2%}"


def main(arguments: list[str] | None = None) -> int:
    """Train, score, save; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.version:
            require_free(options.out, options.version)
        return _release(options)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _release(options: argparse.Namespace) -> int:
    plan, commit = PLANS[options.network], git_commit()
    plan = replace(plan, epochs=options.epochs or plan.epochs)
    mnist = load(get_settings().data_dir)
    lessons = practice(mnist.train, KEPT)
    trained = [_trained(plan, seed, mnist, lessons) for seed in range(options.seeds)]
    if options.version:
        first = trained[0]
        origin = Origin(options.version, plan.network, plan, 0, len(first.learning), commit)
        description = measured(first.network, origin, honest(first.network, plan, mnist.validation), mnist)
        pictures = sample(mnist.train, lessons) if plan.eight_bits else None
        sys.stdout.write(f"saved {save(first.network, description, options.out, pictures)} with its .onnx and .pt\n")
    found = _scored(plan, trained, mnist.test)
    write_whole(RESULTS / f"seeds-{plan.network}.json", found.model_dump_json(indent=1) + "\n")
    sys.stdout.write(f"{found}\n")
    return 0


def _trained(plan: Plan, seed: int, mnist: Mnist, lessons: dict[str, Digits]) -> Trained:
    teacher = _teacher(mnist, lessons) if plan.teaching else None
    checkpoint = KEPT / f"{plan.network}-{plan.epochs}-{seed}.pt"
    return marathon.run(plan, seed, Material(mnist, lessons, teacher), checkpoint)


def _teacher(mnist: Mnist, lessons: dict[str, Digits]) -> nn.Module:
    """Return the network that `micro` learns from, trained first if need be."""
    trained = _trained(PLANS[TEACHER], 0, mnist, lessons)
    network: nn.Module = trained.network.to(marathon.device()).to(memory_format=torch.channels_last)
    return network


def honest(network: nn.Module, plan: Plan, validation: Digits, size: int = FITTING) -> Confidence:
    """Return what makes answers honest, fitted on validation digits as other pens, scanners and hands make them."""
    kinds = practice(validation, KEPT, size, seed=1)
    digits = [validation, *(kinds[kind] for kind in KINDS[:-1])]
    pixels = torch.cat([each.pixels() for each in digits])
    distorted = augment(pixels, plan.distortion, torch.Generator().manual_seed(1))
    return fitted(network, distorted, torch.cat([each.labels for each in digits]), kinds[KINDS[-1]].pixels())


def _scored(plan: Plan, trained: list[Trained], test: Digits) -> Seeds:
    scores = [figures(logits_of(each.network, test).numpy(), test.labels.numpy()) for each in trained]
    seeds = [
        Seed(
            seed=number,
            validation_accuracy=each.learning[-1][1],
            test_accuracy=score.accuracy,
            test_loss=score.loss,
            seconds=round(each.seconds),
            learning=each.learning,
        )
        for number, (each, score) in enumerate(zip(trained, scores, strict=True))
    ]
    return Seeds(network=plan.network, parameters=networks.count_parameters(trained[0].network), seeds=seeds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m src.model.release", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("network", choices=sorted(PLANS))
    parser.add_argument("--version", help="version to save the first seed as; none saves nothing")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--epochs", type=int, help="passes over MNIST, other than the plan's")
    parser.add_argument("--out", type=Path, default=get_settings().model_dir, help="the folder to save into")
    return parser


if __name__ == "__main__":
    sys.exit(main())
