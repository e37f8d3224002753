"""Stage: may the candidate ship? The gate holds it against what is in production, and the real service serves it."""

import sys
from dataclasses import asdict
from pathlib import Path

from src.model.errors import DigitError
from src.model.evaluation import release_gate, report
from src.model.inference.artefact import describe, find_newest, list_versions
from src.model.params import read_params
from src.model.pipeline.paths import CANDIDATE
from src.model.pipeline.serving_check import attempt
from src.model.pipeline.stages.evaluate import EVALUATION
from src.model.pipeline.tracking import StageRun, stage
from src.settings import get_settings


class Refused(DigitError):  # noqa: N818 - it says what happened
    """The candidate is not good enough."""


def validate_model(record: StageRun) -> None:
    """Write what was found. Raises `Refused` with a sentence for each thing that is worse than it may be."""
    limits, before = read_params().serving, in_production()
    record.params(limits)
    trial = attempt(CANDIDATE)
    found = trial.faults(limits)
    found += release_gate.faults(report.read(EVALUATION), release_gate.measured(before) if before else None)
    record.metrics(**asdict(trial))
    against = describe(before).version if before else ""
    record.tags(against=against, verdict="refused" if found else "ships")
    verdict = {"against": against, "faults": found, "service": asdict(trial)}
    record.report("refused" if found else "gate", verdict)
    if found:
        raise Refused(" ".join(found))


def in_production() -> Path | None:
    """Return the artefact that serves; None where there is none yet."""
    settings = get_settings()
    if settings.model_file:
        return settings.model_file
    return find_newest(settings.model_dir) if list_versions(settings.model_dir) else None


if __name__ == "__main__":
    sys.exit(stage("validate-model", validate_model))
