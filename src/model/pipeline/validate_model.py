"""Stage: may the candidate ship? The gate holds it against what is in production, and the real service serves it."""

import sys
from dataclasses import asdict
from pathlib import Path

from src.model import evaluation, gate
from src.model.artefact import describe, newest, versions
from src.model.errors import DigitError
from src.model.pipeline.evaluate_candidate import EVALUATION
from src.model.pipeline.params import CANDIDATE, read_params
from src.model.pipeline.record import Record, stage
from src.model.pipeline.trial import attempt
from src.settings import get_settings


class Refused(DigitError):  # noqa: N818 - it says what happened
    """The candidate is not good enough."""


def validate_model(record: Record) -> None:
    """Write what was found. Raises `Refused` with a sentence for each thing that is worse than it may be."""
    limits, before = read_params().serving, in_production()
    record.params(limits)
    trial = attempt(CANDIDATE)
    found = trial.faults(limits)
    found += gate.faults(evaluation.read(EVALUATION), gate.measured(before) if before else None)
    record.metrics(**asdict(trial))
    against = describe(before).version if before else ""
    record.tags(against=against, verdict="refused" if found else "ships")
    report = {"against": against, "faults": found, "service": asdict(trial)}
    record.report("refused" if found else "gate", report)
    if found:
        raise Refused(" ".join(found))


def in_production() -> Path | None:
    """Return the artefact that serves; None where there is none yet."""
    settings = get_settings()
    if settings.model_file:
        return settings.model_file
    return newest(settings.model_dir) if versions(settings.model_dir) else None


if __name__ == "__main__":
    sys.exit(stage("validate-model", validate_model))
