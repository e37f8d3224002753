"""Train a network that ships, and save it as an artefact.

python -m src.model.training.train_production light 1.5.0                                     make train-production
python -m src.model.training.train_production wide wide-1.0.0 --out model/teachers            a teacher

A training that was killed resumes from its checkpoint, and a seed that `make seeds` has trained is not trained again.
With torchrun, several processes train together: see `distributed`. The seed to ship is the first that passes the
release gate, which never sees the official test set. The test set is scored once, with the final weights, and selects
nothing.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import torch
from torch import nn

from src.model.data.augmentation import augment
from src.model.data.mnist import Digits, load_mnist
from src.model.data.synthetic import DIGIT_KINDS, NON_DIGIT_KINDS, load_synthetic
from src.model.errors import DigitError
from src.model.inference.artefact import Confidence, require_free
from src.model.training import distributed
from src.model.training.fit_resumable import TrainingConfig, TrainingData, TrainingResult
from src.model.training.recipes import CHECKPOINTS, CONFIGS
from src.model.training.saving.calibration import compute_logits, fit_confidence, fit_temperature
from src.model.training.saving.export import save
from src.model.training.saving.metadata import Provenance, describe_model, git_commit
from src.model.training.saving.quantization import sample_pictures
from src.model.training.seeds import load_or_train
from src.settings import get_settings

CALIBRATION_SIZE: Final = 3000  # pictures of each kind that the confidence is fitted on


def main(arguments: list[str] | None = None) -> int:
    """Train and save; return the exit status."""
    options = _parser().parse_args(arguments)
    config = CONFIGS[options.network]
    try:
        require_free(options.out, options.version)
        commit = git_commit()
        with distributed.process_group():
            result = load_or_train(config, options.seed, get_settings().model_dir / "seeds")
            if distributed.is_first():
                provenance = Provenance(
                    options.version, config.network, config, options.seed, len(result.learning), commit
                )
                mnist = load_mnist(get_settings().data_dir)
                synthetic = load_synthetic(mnist.train, CHECKPOINTS) if config.eight_bits else {}
                path = publish(config, result, provenance, TrainingData(mnist, synthetic), options.out)
                sys.stdout.write(f"saved {path} with its .onnx and .pt\n")
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.model.training.train_production", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("network", choices=sorted(CONFIGS))
    parser.add_argument("version", help="to save the network as")
    parser.add_argument("--seed", type=int, default=0, help="the first that passes the release gate (default: 0)")
    parser.add_argument("--out", type=Path, default=get_settings().model_dir, help="folder to save into")
    return parser


if __name__ == "__main__":
    sys.exit(main())
