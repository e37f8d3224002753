"""Train the networks that ship, with several seeds, and save one of them as an artefact.

python -m src.model.training.train_production digit --version 1.1.0            make train-production
python -m src.model.training.train_production micro --version micro-1.0.0      make train-micro

A training that was killed resumes from its checkpoint. With torchrun, several processes train each seed together: see
`distributed`. `--ship` names the seed to save: the first that passes the
release gate, which never sees the official test set. The test set is scored once per seed, with the final weights, and
selects nothing.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn

from src.model import networks
from src.model.data.augmentation import augment
from src.model.data.mnist import Digits, Mnist, load_mnist
from src.model.data.synthetic import DIGIT_KINDS, EDITION, NON_DIGIT_KINDS, load_synthetic
from src.model.errors import DigitError
from src.model.files import write_text_atomically
from src.model.inference.artefact import Confidence, describe, get_paths, require_free
from src.model.inference.runtime import open_runtime
from src.model.training import distributed
from src.model.training.calibration import compute_logits, fit_confidence, fit_temperature
from src.model.training.export import save
from src.model.training.fit_resumable import Teacher, TrainingConfig, TrainingData, TrainingResult, fit_resumable
from src.model.training.metadata import Provenance, describe_model, git_commit
from src.model.training.quantization import sample_pictures
from src.model.training.scoring import score
from src.settings import RESULTS_DIR, ROOT, get_settings

# pictures of each kind in a batch
SYNTHETIC: Final = {"retraced": 10, "scanned": 10, "written": 12, "worn": 8, "others": 18, "symbols": 12}
CONFIGS: Final = {
    "digit": TrainingConfig("digit", epochs=32, synthetic=SYNTHETIC, eight_bits=True),
    "light": TrainingConfig(
        "light", epochs=32, synthetic=SYNTHETIC, teachers=("1.1.0", "1.3.0"), distillation_weight=0.7
    ),
    "micro": TrainingConfig(
        "micro",
        epochs=120,
        mnist=128,
        learning_rate=8e-3,
        weight_decay=0.01,
        teachers=("1.0.0",),
        distillation_weight=0.9,
    ),
    "wide": TrainingConfig(
        "wide", epochs=24, mnist=96, synthetic={"retraced": 8, "scanned": 8, "written": 10, "worn": 6}
    ),
}
SEEDS: Final = 5
CHECKPOINTS: Final = ROOT / "data" / "training"
CALIBRATION_SIZE: Final = 3000  # pictures of each kind that the confidence is fitted on


class SeedResult(BaseModel):
    """The result of one training."""

    seed: int
    validation_accuracy: float = Field(ge=0, le=1)
    test_accuracy: float = Field(ge=0, le=1)
    test_loss: float
    seconds: float = Field(description="of training")
    learning: list[tuple[float, float]] = Field(description="training loss and validation accuracy after each epoch")


class SeedResults(BaseModel):
    """The results of all seeds of one config."""

    network: str
    parameters: int
    seeds: list[SeedResult]

    def __str__(self) -> str:
        accuracies = [seed.test_accuracy for seed in self.seeds]
        mean = sum(accuracies) / len(accuracies)
        return f"{self.network}: test {mean:.2%} (mean of {len(accuracies)}), worst {min(accuracies):.2%}"


def main(arguments: list[str] | None = None) -> int:
    """Train, score and save; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if not 0 <= options.ship < options.seeds:
            raise DigitError(f"--ship {options.ship} is not among the trained seeds 0 to {options.seeds - 1}.")
        if options.version:
            require_free(options.out, options.version)
        with distributed.process_group():
            return _train_all(options)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _train_all(options: argparse.Namespace) -> int:
    config, commit = CONFIGS[options.network], git_commit()
    config = replace(config, epochs=options.epochs or config.epochs)
    with distributed.first_before_others():
        data = load_training_data(config, load_mnist(get_settings().data_dir), CHECKPOINTS)
    trained = [
        fit_resumable(config, seed, data, checkpoint_path(config, seed, CHECKPOINTS)) for seed in range(options.seeds)
    ]
    if not distributed.is_first():
        return 0
    if options.version:
        shipped = trained[options.ship]
        provenance = Provenance(options.version, config.network, config, options.ship, len(shipped.learning), commit)
        sys.stdout.write(f"saved {publish(config, shipped, provenance, data, options.out)} with its .onnx and .pt\n")
    results = _score_seeds(config, trained, data.mnist.test)
    write_text_atomically(RESULTS_DIR / f"seeds-{config.network}.json", results.model_dump_json(indent=1) + "\n")
    sys.stdout.write(f"{results}\n")
    return 0


def checkpoint_path(config: TrainingConfig, seed: int, folder: Path) -> Path:
    """Return the checkpoint of a training in `folder`; each edition of the synthetic pictures has its own."""
    edition = f"-{EDITION}" if config.synthetic else ""
    return folder / f"{config.network}-{config.epochs}-{seed}{edition}.pt"


def load_training_data(config: TrainingConfig, mnist: Mnist, folder: Path) -> TrainingData:
    """Return the pictures and the teacher of a training; synthetic pictures are made once and cached in `folder`.

    Raises `ArtefactError` if a teacher's artefact is missing or invalid.
    """
    weights = [get_paths(get_settings().model_dir, version)["onnx"] for version in config.teachers]
    return TrainingData(mnist, load_synthetic(mnist.train, folder), load_teacher(weights) if weights else None)


def load_teacher(weights: Sequence[Path]) -> Teacher:
    """Return the networks at `weights` as one teacher: the mean of their logits.

    They run in ONNX Runtime, as they are served: in 8 bits, that takes half of torch's time on a CPU.
    """
    runtimes = [open_runtime(path, describe(path).network) for path in weights]

    def teacher(pixels: Tensor) -> Tensor:
        images = pixels.cpu().numpy()
        logits = np.mean([runtime.logits(images) for runtime in runtimes], axis=0)
        return torch.from_numpy(logits).to(pixels.device)

    return teacher


def publish(
    config: TrainingConfig, result: TrainingResult, provenance: Provenance, data: TrainingData, folder: Path
) -> Path:
    """Calibrate and score a trained network, save it as an artefact in `folder`, and return the path of the .json."""
    confidence = _calibrate(result.network, config, data.mnist.validation)
    description = describe_model(result.network, provenance, confidence, data.mnist)
    sample = sample_pictures(data.mnist.train, data.synthetic) if config.eight_bits else None
    return save(result.network, description, folder, sample)


def _calibrate(network: nn.Module, config: TrainingConfig, validation: Digits) -> Confidence:
    """Fit the confidence on validation digits and on the synthetic pictures made from them.

    The digit score is fitted without degraded digits: they are far rarer in use than here.
    """
    synthetic = load_synthetic(validation, CHECKPOINTS, CALIBRATION_SIZE, seed=1)
    parts = {"validation": validation, **{kind: synthetic[kind] for kind in DIGIT_KINDS}}
    pixels = torch.cat([part.pixels() for part in parts.values()])
    labels = torch.cat([part.labels for part in parts.values()])
    distorted = augment(pixels, config.distortion, torch.Generator().manual_seed(1))
    temperature = fit_temperature(compute_logits(network, distorted), labels)
    digits = torch.cat([part.pixels() for kind, part in parts.items() if kind != "worn"])
    non_digits = torch.cat([synthetic[kind].pixels() for kind in NON_DIGIT_KINDS])
    return fit_confidence(network, temperature, digits, non_digits)


def _score_seeds(config: TrainingConfig, trained: list[TrainingResult], test: Digits) -> SeedResults:
    metrics = [score(result.network, test) for result in trained]
    seeds = [
        SeedResult(
            seed=seed,
            validation_accuracy=result.learning[-1][1],
            test_accuracy=metric.accuracy,
            test_loss=metric.loss,
            seconds=round(result.seconds),
            learning=result.learning,
        )
        for seed, (result, metric) in enumerate(zip(trained, metrics, strict=True))
    ]
    return SeedResults(network=config.network, parameters=networks.count_parameters(trained[0].network), seeds=seeds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.model.training.train_production", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("network", choices=sorted(CONFIGS))
    parser.add_argument("--version", help="version to save the seed of --ship as (default: nothing is saved)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="number of trainings (default: %(default)s)")
    parser.add_argument("--ship", type=int, default=0, help="seed to save: the first that passes the release gate")
    parser.add_argument("--epochs", type=int, help="passes over MNIST (default: as configured for the network)")
    parser.add_argument("--out", type=Path, default=get_settings().model_dir, help="folder to save into")
    return parser


if __name__ == "__main__":
    sys.exit(main())
