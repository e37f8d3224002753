"""Stage: may a network learn from this?

MNIST, or a note of a corrected picture, that isn't what it should be stops the pipeline. Corrected pictures that only
look otherwise than the training set's are told, and are a reason to train anew.
"""

import sys

from src.model import dataset
from src.model.dataset import Mnist
from src.model.digest import sha256
from src.model.errors import DataError
from src.model.pipeline import checks
from src.model.pipeline.corrected import Corrected, as_they_come, notes, read_kept
from src.model.pipeline.params import CORRECTED, FEEDBACK, Data, read_params
from src.model.pipeline.record import Record, stage
from src.settings import get_settings


def validate_data(record: Record) -> None:
    """Check everything that is learned from, and write the corrected pictures in the form of MNIST's."""
    settings, data = get_settings(), read_params().data
    record.params(data)
    mnist = dataset.load(settings.data_dir)
    if found := checks.faults(mnist, data):
        raise DataError(" ".join(found))
    corrected = read_kept(FEEDBACK, _measured_on(mnist) if notes(FEEDBACK) else set(), settings.max_pixels)
    dataset.write_corrected(corrected.digits(), CORRECTED)
    record.tags(**{"sha256.corrected": sha256(CORRECTED)})
    _tell(record, mnist, corrected, data)


def _measured_on(mnist: Mnist) -> set[bytes]:
    limit = get_settings().max_pixels
    return as_they_come(mnist.validation, limit) | as_they_come(mnist.test, limit)


def _tell(record: Record, mnist: Mnist, corrected: Corrected, data: Data) -> None:
    digits = corrected.digits()
    far = checks.distances(digits, mnist.validation) if len(digits) >= data.least_pictures else {}
    warnings = [f"Corrected pictures differ in {name}: PSI {each}." for name, each in far.items() if each > data.psi]
    report = {
        "pictures": {name: len(getattr(mnist, name)) for name in checks.PARTS},
        "shares": [round(share, 4) for share in checks.class_shares(mnist.train)],
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
