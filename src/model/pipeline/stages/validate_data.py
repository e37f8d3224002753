"""Stage `validate-data`: checks MNIST and the corrected pictures before a training.

Damaged data stops the pipeline. Corrected pictures that differ from MNIST only cause a warning: they are a reason to
train.
"""

import sys
from typing import Any

from src.model.data.mnist import Mnist, load_mnist, write_corrected
from src.model.errors import DataError
from src.model.files import sha256
from src.model.inference.artefact import find_newest
from src.model.inference.predictor import open_predictor
from src.model.params import read_params
from src.model.pipeline.data_checks import SIZES, find_problems, measure_class_shares, measure_distances
from src.model.pipeline.feedback import CorrectedPictures, collect_pixels, list_notes, load_corrected
from src.model.pipeline.paths import CORRECTED, FEEDBACK
from src.model.pipeline.tracking import StageRun, run_stage
from src.settings import get_settings


def validate_data(run: StageRun) -> None:
    """Check the data, write the corrected pictures in MNIST's form, and report their distance from MNIST.

    Raises `DataError` if MNIST or a corrected picture is not as it must be.
    """
    limits, max_pixels = read_params().data, get_settings().max_pixels
    run.log_params(limits)
    mnist = load_mnist(get_settings().data_dir)
    if problems := find_problems(mnist, limits):
        raise DataError(" ".join(problems))
    held_out: set[bytes] = set()
    if list_notes(FEEDBACK):
        held_out = collect_pixels(mnist.validation, max_pixels) | collect_pixels(mnist.test, max_pixels)
    predictor = open_predictor(find_newest(get_settings().model_dir), max_pixels)
    corrected = load_corrected(FEEDBACK, held_out, predictor)
    write_corrected(corrected.digits, CORRECTED)
    run.set_tags(**{"sha256.corrected": sha256(CORRECTED)})
    distances: dict[str, float] = {}
    if len(corrected.digits) >= limits.least_pictures:
        distances = measure_distances(corrected.digits, mnist.validation)
    run.log_metrics(corrected=len(corrected.digits), **{f"psi_{name}": psi for name, psi in distances.items()})
    far = {name: psi for name, psi in distances.items() if psi > limits.psi}
    warnings = [f"Corrected pictures differ in {name}: PSI {psi}." for name, psi in far.items()]
    run.write_report("data", _describe(mnist, corrected, distances) | {"warnings": warnings, "retrain": bool(far)})
    for warning in warnings:
        sys.stderr.write(f"{warning} Train a new network.\n")


def _describe(mnist: Mnist, corrected: CorrectedPictures, distances: dict[str, float]) -> dict[str, Any]:
    return {
        "pictures": {name: len(getattr(mnist, name)) for name in SIZES},
        "shares": [round(share, 4) for share in measure_class_shares(mnist.train)],
        "corrected": {
            "pictures": len(corrected.digits),
            "twice": corrected.duplicates,
            "contradicted": corrected.contradictory,
            "leaked": corrected.leaked,
            "psi": distances,
        },
    }


if __name__ == "__main__":
    sys.exit(run_stage("validate-data", validate_data))
