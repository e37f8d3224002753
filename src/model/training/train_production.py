"""Train the networks that ship, one seed after another, and save one as an artefact.

python -m src.model.training.train_production digit --version 1.1.0            make train-production
python -m src.model.training.train_production micro --version micro-1.0.0      make train-micro

A training that was killed goes on where it was. Which seed ships is settled before any is scored: the first that the
gate lets through (`--ship` names it). The official test set is scored once for each seed, with its last weights, and
chooses nothing; the gate never sees it.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn

from src.model import networks
from src.model.data.augmentation import augment
from src.model.data.mnist import Digits, Mnist, load_mnist
from src.model.data.synthetic import EDITION, KINDS, load_synthetic
from src.model.errors import DigitError
from src.model.files import write_text_atomically
from src.model.inference.artefact import Confidence, describe, get_paths, require_free
from src.model.inference.runtime import open_runtime
from src.model.training import fit_resumable
from src.model.training.calibration import fitted
from src.model.training.export import save
from src.model.training.fit_resumable import Teacher, Trained, TrainingConfig, TrainingData
from src.model.training.metadata import Provenance, git_commit, measured
from src.model.training.quantization import sample
from src.model.training.scoring import figures, logits_of
from src.settings import RESULTS_DIR, ROOT, get_settings

PRACTICE: Final = {"retraced": 10, "scanned": 10, "written": 12, "worn": 8, "others": 18}  # in each batch
CONFIGS: Final = {
    "digit": TrainingConfig("digit", epochs=32, practice=PRACTICE, eight_bits=True),
    "micro": TrainingConfig(
        "micro", epochs=120, mnist=128, learning_rate=8e-3, weight_decay=0.01, teacher="1.0.0", distillation_weight=0.9
    ),
}
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
        if not 0 <= options.ship < options.seeds:
            raise DigitError(
                f"--ship {options.ship} names none of the seeds 0 to {options.seeds - 1} that are trained."
            )
        if options.version:
            require_free(options.out, options.version)
        return _release(options)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _release(options: argparse.Namespace) -> int:
    plan, commit = CONFIGS[options.network], git_commit()
    plan = replace(plan, epochs=options.epochs or plan.epochs)
    mnist = load_mnist(get_settings().data_dir)
    material = prepared(plan, mnist, KEPT)
    trained = [fit_resumable.run(plan, seed, material, checkpoint(plan, seed, KEPT)) for seed in range(options.seeds)]
    if options.version:
        shipped = trained[options.ship]
        origin = Provenance(options.version, plan.network, plan, options.ship, len(shipped.learning), commit)
        sys.stdout.write(f"saved {publish(plan, shipped, origin, material, options.out)} with its .onnx and .pt\n")
    found = _scored(plan, trained, mnist.test)
    write_text_atomically(RESULTS_DIR / f"seeds-{plan.network}.json", found.model_dump_json(indent=1) + "\n")
    sys.stdout.write(f"{found}\n")
    return 0


def checkpoint(plan: TrainingConfig, seed: int, kept: Path) -> Path:
    """Return where a training is kept in folder `kept`, to go on from: one of another practice is another training."""
    practised = f"-{EDITION}" if plan.practice else ""
    return kept / f"{plan.network}-{plan.epochs}-{seed}{practised}.pt"


def prepared(plan: TrainingConfig, mnist: Mnist, kept: Path) -> TrainingData:
    """Return what `plan` learns from and whom; practice is made once and kept in a folder. Raises `ArtefactError`."""
    teacher = teacher_of(get_paths(get_settings().model_dir, plan.teacher)["onnx"]) if plan.teacher else None
    return TrainingData(mnist, load_synthetic(mnist.train, kept), teacher)


def teacher_of(weights: Path) -> Teacher:
    """Return what answers as the artefact at `weights` does.

    As it serves, in ONNX Runtime: in 8 bits a training on CPUs asks it in half of torch's time.
    """
    runtime = open_runtime(weights, describe(weights).network)

    def answers(pixels: Tensor) -> Tensor:
        return torch.from_numpy(runtime.logits(pixels.cpu().numpy())).to(pixels.device)

    return answers


def publish(plan: TrainingConfig, trained: Trained, origin: Provenance, material: TrainingData, folder: Path) -> Path:
    """Make a trained network's confidence honest, measure it, and save it as an artefact under `folder`."""
    confidence = _honest(trained.network, plan, material.mnist.validation)
    description = measured(trained.network, origin, confidence, material.mnist)
    pictures = sample(material.mnist.train, material.practice) if plan.eight_bits else None
    return save(trained.network, description, folder, pictures)


def _honest(network: nn.Module, plan: TrainingConfig, validation: Digits) -> Confidence:
    """Return what makes answers honest, fitted on validation digits as other pens, scanners and hands make them."""
    kinds = load_synthetic(validation, KEPT, FITTING, seed=1)
    digits = [validation, *(kinds[kind] for kind in KINDS[:-1])]
    pixels = torch.cat([each.pixels() for each in digits])
    distorted = augment(pixels, plan.distortion, torch.Generator().manual_seed(1))
    return fitted(network, distorted, torch.cat([each.labels for each in digits]), kinds[KINDS[-1]].pixels())


def _scored(plan: TrainingConfig, trained: list[Trained], test: Digits) -> Seeds:
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
    parser = argparse.ArgumentParser(
        prog="python -m src.model.training.train_production", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("network", choices=sorted(CONFIGS))
    parser.add_argument("--version", help="version to save the seed of --ship as; none saves nothing")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--ship", type=int, default=0, help="the seed to save: the first that the gate lets through")
    parser.add_argument("--epochs", type=int, help="passes over MNIST, other than the plan's")
    parser.add_argument("--out", type=Path, default=get_settings().model_dir, help="the folder to save into")
    return parser


if __name__ == "__main__":
    sys.exit(main())
