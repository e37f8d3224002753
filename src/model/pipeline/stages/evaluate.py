"""Stage `evaluate`: measures the candidate as `src/model/evaluation/evaluate.py` measures any network."""

import sys

from src.model.data.mnist import load_mnist
from src.model.evaluation import suite
from src.model.files import write_text_atomically
from src.model.params import read_params
from src.model.pipeline.paths import CANDIDATE, EVALUATION
from src.model.pipeline.tracking import StageRun, run_stage
from src.settings import get_settings


def evaluate_candidate(run: StageRun) -> None:
    """Measure the candidate and save its evaluation; a quick training leaves out what the gate does not compare."""
    mnist = load_mnist(get_settings().data_dir)
    evaluation = suite.evaluate(CANDIDATE, mnist, {}, complete=not read_params().train.quick)
    write_text_atomically(EVALUATION, evaluation.model_dump_json(indent=1) + "\n")
    run.log_files(EVALUATION)
    run.log_metrics(
        validation_accuracy=evaluation.validation.accuracy,
        calibration_error=evaluation.validation.calibration_error,
        robustness=evaluation.robustness,
        network_ms=evaluation.network_ms,
        **{f"accuracy_{kind}": counts.accuracy for kind, counts in evaluation.synthetic.items()},
        **({"test_accuracy": evaluation.test.accuracy} if evaluation.test else {}),
    )


if __name__ == "__main__":
    sys.exit(run_stage("evaluate", evaluate_candidate))
