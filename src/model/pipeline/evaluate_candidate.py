"""Stage: measure the candidate, as `src/model/evaluate.py` measures any network."""

import sys
from typing import Final

from src.model import dataset, measure
from src.model.files import write_whole
from src.model.pipeline.params import BUILD, CANDIDATE, read_params
from src.model.pipeline.record import Record, stage
from src.settings import get_settings

EVALUATION: Final = BUILD / "evaluation.json"


def evaluate_candidate(record: Record) -> None:
    """Measure the candidate and keep what was found."""
    mnist = dataset.load(get_settings().data_dir)
    found = measure.evaluate(CANDIDATE, mnist, {}, with_test=not read_params().train.quick)
    write_whole(EVALUATION, found.model_dump_json(indent=1) + "\n")
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
