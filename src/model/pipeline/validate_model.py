"""Stage: may the candidate ship? The gate holds it against what is in production, and the real service serves it."""

import sys
from dataclasses import asdict

from src.model.errors import DigitError
from src.model.pipeline.params import CANDIDATE, read_params
from src.model.pipeline.record import Record, stage
from src.model.pipeline.trial import attempt


class Refused(DigitError):  # noqa: N818 - it says what happened
    """The candidate is not good enough."""


def validate_model(record: Record) -> None:
    """Write what was found. Raises `Refused` with a sentence for each thing that is worse than it may be."""
    limits = read_params().serving
    record.params(limits)
    trial = attempt(CANDIDATE)
    found = trial.faults(limits)
    record.metrics(**asdict(trial))
    record.report("gate", {"ships": not found, "faults": found, "service": asdict(trial)})
    if found:
        raise Refused(" ".join(found))


if __name__ == "__main__":
    sys.exit(stage("validate-model", validate_model))
