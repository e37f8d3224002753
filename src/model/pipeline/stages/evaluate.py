"""Stage: measure the candidate, as `src/model/evaluation/evaluate.py` measures any network."""

import sys
from typing import Final

from src.model.data.mnist import load_mnist
from src.model.evaluation import suite
from src.model.files import write_text_atomically
from src.model.params import read_params
from src.model.pipeline.paths import BUILD, CANDIDATE
from src.model.pipeline.tracking import StageRun, stage
from src.settings import get_settings

EVALUATION: Final = BUILD / "evaluation.json"


def evaluate_candidate(record: StageRun) -> None:
    """Measure the candidate and keep what was found."""
    mnist = load_mnist(get_settings().data_dir)
    found = suite.evaluate(CANDIDATE, mnist, {}, with_test=not read_params().train.quick)
    write_text_atomically(EVALUATION, found.model_dump_json(indent=1) + "\n")
    record.files(EVALUATION)
    record.metrics(
        validation_accuracy=found.validation.accuracy,
        calibration_error=found.validation.calibration_error,
        robustness=found.robustness,
        network_ms=found.network_ms,
        **{f"accuracy_{kind}": tally.accuracy for kind, tally in found.practice.items()},
        **({"test_accuracy": found.test.accuracy} if found.test else {}),
    )


if __name__ == "__main__":
    sys.exit(stage("evaluate", evaluate_candidate))
