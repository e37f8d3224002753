"""Evaluations for tests: what a network would be measured at, without measuring it."""

from src.model.evaluation.report import DigitCounts, Evaluation


def make_counts(errors: int = 0, digit: int = 3, pictures: int = 500) -> DigitCounts:
    """Return counts of `pictures` of each digit, with all errors at one digit."""
    correct = [pictures] * 10
    correct[digit] -= errors
    return DigitCounts(correct=correct, pictures=[pictures] * 10, calibration_error=0.002, loss=0.03)


def make_evaluation(**changes: object) -> Evaluation:
    """Return an evaluation in which `changes` replace the usual values."""
    evaluation = Evaluation(
        version="1.0.0",
        sha256="0" * 64,
        network="cnn",
        parameters=6422,
        bytes=30_000,
        machine="any",
        network_ms=0.05,
        drawing_ms=3.0,
        validation=make_counts(4),
        synthetic={"retraced": make_counts(8), "scanned": make_counts(8)},
        corrupted={"fog": make_counts(40), "shear": make_counts(10)},
        non_digit_auroc={"made up": 0.99},
    )
    return evaluation.model_copy(update=changes)
