"""How the networks that ship are trained: their recipes, their pictures and their teachers."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from src.model.data.mnist import Digits, Mnist
from src.model.data.synthetic import DIGIT_KINDS, EDITION, load_synthetic
from src.model.inference.artefact import get_paths
from src.model.training.fit_resumable import MNIST_KIND, TrainingConfig, TrainingData
from src.model.training.teaching import COPIES, SYNTHETIC_COPIES, TaughtDigits, teach
from src.settings import ROOT, get_settings

# pictures of each kind in a batch
SYNTHETIC: Final = {"retraced": 10, "scanned": 10, "written": 12, "worn": 8, "others": 18, "symbols": 12}
TEACHERS: Final = ("1.1.0", "1.4.0", "wide-1.0.0")
CONFIGS: Final = {
    "digit": TrainingConfig("digit", epochs=32, synthetic=SYNTHETIC, eight_bits=True),
    # a teacher, which says only which digit it is: no pictures of anything else
    "wide": TrainingConfig(
        "wide",
        epochs=12,
        mnist=96,
        synthetic={"retraced": 8, "scanned": 8, "written": 10, "worn": 6},
        eight_bits=True,
    ),
    "light": TrainingConfig("light", epochs=32, synthetic=SYNTHETIC, teachers=TEACHERS, distillation_weight=0.7),
    "micro": TrainingConfig(
        "micro",
        epochs=72,
        mnist=128,
        learning_rate=8e-3,
        weight_decay=0.01,
        teachers=TEACHERS,
        distillation_weight=0.9,
    ),
}
CHECKPOINTS: Final = ROOT / "data" / "training"


def checkpoint_path(config: TrainingConfig, seed: int, folder: Path) -> Path:
    """Return the checkpoint of a training in `folder`; each recipe and edition of the pictures has its own."""
    edition = EDITION if config.synthetic else ""
    digest = hashlib.sha256(f"{config} {edition}".encode()).hexdigest()
    return folder / f"{config.network}-{seed}-{digest[:12]}.pt"


def load_training_data(config: TrainingConfig, mnist: Mnist, folder: Path) -> TrainingData:
    """Return the pictures of a training, with its teachers' answers; all are made once and cached in `folder`.

    Raises `ArtefactError` if a teacher's artefact is missing or invalid.
    """
    synthetic = load_synthetic(mnist.train, folder)
    return TrainingData(mnist, synthetic, _load_taught(config, mnist.train, synthetic, folder))


def _load_taught(
    config: TrainingConfig, train: Digits, synthetic: dict[str, Digits], folder: Path
) -> dict[str, TaughtDigits]:
    """Return the digits that the training learns from its teachers, by kind."""
    if not config.teachers:
        return {}
    teachers = list(find_teachers(config.teachers))
    used = {kind: synthetic[kind] for kind in DIGIT_KINDS if kind in config.synthetic}
    taught = {MNIST_KIND: teach(train, teachers, config.distortion, COPIES, folder)}
    for kind, digits in used.items():
        taught[kind] = teach(digits, teachers, config.distortion, SYNTHETIC_COPIES, folder)
    return taught


def find_teachers(versions: Iterable[str]) -> Iterable[Path]:
    """Yield the .json of each version: a release, or a network that only teaches and lies in `teachers` beside them."""
    folder = get_settings().model_dir
    for version in versions:
        released = get_paths(folder, version)["json"]
        yield released if released.exists() else get_paths(folder / "teachers", version)["json"]
