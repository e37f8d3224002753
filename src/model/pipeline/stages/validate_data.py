"""Stage: may a network learn from this?

MNIST, or a note of a corrected picture, that isn't what it should be stops the pipeline. Corrected pictures that only
look otherwise than the training set's are told, and are a reason to train anew.
"""

import sys

from src.model.data.mnist import Mnist, load_mnist, write_corrected
from src.model.errors import DataError
from src.model.files import sha256
from src.model.params import Data, read_params
from src.model.pipeline import data_checks
from src.model.pipeline.feedback import Corrected, as_they_come, notes, read_kept
from src.model.pipeline.paths import CORRECTED, FEEDBACK
from src.model.pipeline.tracking import StageRun, stage
from src.settings import get_settings


def validate_data(record: StageRun) -> None:
    """Check everything that is learned from, and write the corrected pictures in the form of MNIST's."""
    settings, data = get_settings(), read_params().data
    record.params(data)
    mnist = load_mnist(settings.data_dir)
    if found := data_checks.faults(mnist, data):
        raise DataError(" ".join(found))
    corrected = read_kept(FEEDBACK, _measured_on(mnist) if notes(FEEDBACK) else set(), settings.max_pixels)
    write_corrected(corrected.digits(), CORRECTED)
    record.tags(**{"sha256.corrected": sha256(CORRECTED)})
    _tell(record, mnist, corrected, data)


def _measured_on(mnist: Mnist) -> set[bytes]:
    limit = get_settings().max_pixels
    return as_they_come(mnist.validation, limit) | as_they_come(mnist.test, limit)


def _tell(record: StageRun, mnist: Mnist, corrected: Corrected, data: Data) -> None:
    digits = corrected.digits()
    far = data_checks.distances(digits, mnist.validation) if len(digits) >= data.least_pictures else {}
    warnings = [f"Corrected pictures differ in {name}: PSI {each}." for name, each in far.items() if each > data.psi]
    report = {
        "pictures": {name: len(getattr(mnist, name)) for name in data_checks.PARTS},
        "shares": [round(share, 4) for share in data_checks.class_shares(mnist.train)],
        "corrected": {
            "pictures": len(digits),
            "twice": corrected.twice,
            "contradicted": corrected.contradicted,
            "leaked": corrected.leaked,
            "psi": far,
        },
        "warnings": warnings,
        "retrain": bool(warnings),
    }
    record.report("data", report)
    record.metrics(corrected=len(digits), **{f"psi_{name}": each for name, each in far.items()})
    for warning in warnings:
        sys.stderr.write(f"{warning} Train anew.\n")


if __name__ == "__main__":
    sys.exit(stage("validate-data", validate_data))
