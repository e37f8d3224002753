"""Decides whether a network may be released: it must not be worse than the one it replaces, beyond chance.

python -m src.model.evaluation.release_gate model/mnist-1.1.0.json --against model/mnist-1.0.0.json

Exits with 0 if it may, with 1 and the reasons if not. Both networks are measured on the same pictures, and never on the
official test set. Two error counts differ beyond chance if their difference exceeds `SIGMA` times the square root of
their sum, the standard deviation of the difference of two Poisson counts, plus one.
"""

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from src.model.data.mnist import load_mnist
from src.model.data.synthetic import EDITION
from src.model.errors import DigitError
from src.model.evaluation import suite
from src.model.evaluation.report import DigitCounts, Evaluation, evaluation_path, load_evaluation
from src.model.inference.artefact import describe, find_newest
from src.settings import RESULTS_DIR, get_settings

SIGMA: Final = 2.0  # for all digits of a set together
SIGMA_PER_DIGIT: Final = 3.0  # wider: of fifty such counts, one exceeds 2 by chance
MIN_ACCURACY: Final = 0.9  # on the validation set, with or without a baseline
MAX_CALIBRATION_LOSS: Final = 0.01  # increase of the calibration error
MAX_AUROC_LOSS: Final = 0.01  # decrease of the digit score's AUROC
MAX_SLOWDOWN: Final = 10.0  # generous, because one machine's speed varies from minute to minute
FAST_ENOUGH_MS: Final = 1.0  # no slowdown matters below this


def find_problems(candidate: Evaluation, baseline: Evaluation | None = None) -> list[str]:
    """Return the reasons why `candidate` must not replace `baseline`, a sentence each; none if it may."""
    problems = []
    if candidate.validation.accuracy < MIN_ACCURACY:
        accuracy = candidate.validation.accuracy
        problems.append(f"It reads {accuracy:.2%} of the validation digits, fewer than {MIN_ACCURACY:.0%}.")
    return problems + list(_compare(candidate, baseline)) if baseline else problems


def _compare(candidate: Evaluation, baseline: Evaluation) -> Iterator[str]:
    yield from _compare_counts("validation digits", candidate.validation, baseline.validation)
    for kind in sorted(candidate.synthetic.keys() & baseline.synthetic.keys()):
        yield from _compare_counts(f"{kind} digits", candidate.synthetic[kind], baseline.synthetic[kind])
    yield from _compare_totals("corrupted digits", _add_up(candidate.corrupted), _add_up(baseline.corrupted))
    error, before = candidate.validation.calibration_error, baseline.validation.calibration_error
    if error > before + MAX_CALIBRATION_LOSS:
        yield f"Its calibration error is {error:.2%}; the baseline's is {before:.2%}."
    for kind, auroc in candidate.non_digit_auroc.items():
        if auroc < (before := baseline.non_digit_auroc[kind]) - MAX_AUROC_LOSS:
            yield f"Its digit score separates digits from non-digits ({kind}) with AUROC {auroc:.4f}, not {before:.4f}."
    if candidate.network_ms > max(FAST_ENOUGH_MS, MAX_SLOWDOWN * baseline.network_ms):
        yield f"It takes {candidate.network_ms:.2f} ms for a picture; the baseline takes {baseline.network_ms:.2f} ms."


def _compare_counts(pictures: str, now: DigitCounts, before: DigitCounts) -> Iterator[str]:
    """Compare the errors of all digits together and of each digit."""
    yield from _compare_totals(pictures, now, before)
    for digit in range(10):
        errors, errors_before = (counts.pictures[digit] - counts.correct[digit] for counts in (now, before))
        if exceeds_chance(errors, errors_before, SIGMA_PER_DIGIT):
            misread = f"{errors} of {now.pictures[digit]} {digit}s"
            yield f"It misreads {misread} among the {pictures}; the baseline misreads {errors_before}."


def _compare_totals(pictures: str, now: DigitCounts, before: DigitCounts) -> Iterator[str]:
    if exceeds_chance(now.errors, before.errors):
        yield f"It reads {now.accuracy:.2%} of the {pictures}; the baseline reads {before.accuracy:.2%}."


def exceeds_chance(errors: int, errors_before: int, sigma: float = SIGMA) -> bool:
    """Return whether there are more errors than before, beyond chance."""
    return errors - errors_before > 1 + sigma * math.sqrt(errors + errors_before)


def _add_up(sets: dict[str, DigitCounts]) -> DigitCounts:
    correct = [sum(column) for column in zip(*(counts.correct for counts in sets.values()), strict=True)]
    pictures = [sum(column) for column in zip(*(counts.pictures for counts in sets.values()), strict=True)]
    return DigitCounts(correct=correct, pictures=pictures, calibration_error=0, loss=0)


def load_or_measure(path: Path, results_dir: Path = RESULTS_DIR) -> Evaluation:
    """Return the saved evaluation of the network at `path` if it fits these weights and pictures, else a new one."""
    description = describe(path)
    saved = evaluation_path(description.version, results_dir)
    if saved.exists():
        evaluation = load_evaluation(saved)
        if (evaluation.sha256, evaluation.edition) == (description.sha256["onnx"], EDITION):
            return evaluation
    return suite.evaluate(path, load_mnist(get_settings().data_dir), {}, complete=False)


def main(arguments: list[str] | None = None) -> int:
    """Print whether a network may be released; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m src.model.evaluation.release_gate", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("candidate", type=Path, nargs="?", help="the network's .json (default: the newest release)")
    parser.add_argument("--against", type=Path, help="the .json of the network that it is to replace")
    options = parser.parse_args(arguments)
    try:
        path = options.candidate or find_newest(get_settings().model_dir)
        problems = find_problems(load_or_measure(path), load_or_measure(options.against) if options.against else None)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(problems or [f"{path.stem} may be released."]) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
