"""Stage `validate-model`: the release gate compares the candidate with production, and the real service serves it."""

import sys
from pathlib import Path

from src.model.errors import DigitError
from src.model.evaluation import release_gate
from src.model.evaluation.report import load_evaluation
from src.model.inference.artefact import describe, find_newest, list_versions
from src.model.params import read_params
from src.model.pipeline.paths import CANDIDATE, EVALUATION
from src.model.pipeline.serving_check import check_serving
from src.model.pipeline.tracking import StageRun, run_stage
from src.settings import get_settings


class CandidateRefused(DigitError):  # noqa: N818 - a verdict, not an error of the program
    """The candidate is not good enough."""


def validate_model(run: StageRun) -> None:
    """Write the verdict to gate.json, or to refused.json. Raises `CandidateRefused` with the reasons."""
    limits, production = read_params().serving, find_production()
    run.log_params(limits)
    result = check_serving(CANDIDATE)
    baseline = release_gate.load_or_measure(production) if production else None
    problems = result.find_problems(limits) + release_gate.find_problems(load_evaluation(EVALUATION), baseline)
    against = describe(production).version if production else ""
    run.log_metrics(**result.model_dump())
    run.set_tags(against=against, verdict="refused" if problems else "ships")
    verdict = {"against": against, "faults": problems, "service": result.model_dump()}
    run.write_report("refused" if problems else "gate", verdict)
    if problems:
        raise CandidateRefused(" ".join(problems))


def find_production() -> Path | None:
    """Return the artefact that serves, or None if there is none yet."""
    settings = get_settings()
    if settings.model_file:
        return settings.model_file
    return find_newest(settings.model_dir) if list_versions(settings.model_dir) else None


if __name__ == "__main__":
    sys.exit(run_stage("validate-model", validate_model))
