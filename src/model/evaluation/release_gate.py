"""May an artefact ship? Only if nothing that a user sees gets worse than with the one it replaces.

python -m src.model.evaluation.release_gate model/mnist-1.1.0.json --against model/mnist-1.0.0.json

Ends with 0 if it may, with 1 and a sentence for each reason if not. Both are measured on the same pictures, none of
them of the official test set. Worse means: by more than chance explains. Of two counts of errors, the larger may exceed
the smaller by `SIGMA` times the root of their sum (the deviation of the difference of two Poisson counts), and by one;
of one digit alone by `SIGMA_EACH` times.
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
from src.model.evaluation import report, suite
from src.model.evaluation.report import DigitCounts, Evaluation
from src.model.inference.artefact import describe, find_newest
from src.settings import RESULTS_DIR, get_settings

SIGMA: Final = 2.0  # of all pictures of a kind
SIGMA_EACH: Final = 3.0  # of one digit's: there are forty such counts, and one of them is off by more than 2 by chance
LEAST: Final = 0.9  # of the validation digits: what reads fewer is broken, whatever it is held against
CALIBRATION: Final = 0.01  # that the calibration error may grow by
AREA: Final = 0.01  # that the area under the digit score's ROC curve may shrink by
SLOWER: Final = 10.0  # times as slow; machines differ from minute to minute


def faults(candidate: Evaluation, baseline: Evaluation | None = None) -> list[str]:
    """Return a sentence for each thing that keeps `candidate` from replacing `baseline`; none if it may ship."""
    found = list(_broken(candidate))
    return found + list(_worse(candidate, baseline)) if baseline else found


def _broken(candidate: Evaluation) -> Iterator[str]:
    if candidate.validation.accuracy < LEAST:
        yield f"It reads {candidate.validation.accuracy:.2%} of the validation digits, fewer than {LEAST:.0%}."


def _worse(candidate: Evaluation, baseline: Evaluation) -> Iterator[str]:
    yield from _fewer("validation digits", candidate.validation, baseline.validation)
    for kind in sorted(candidate.practice.keys() & baseline.practice.keys()):
        yield from _fewer(f"{kind} digits", candidate.practice[kind], baseline.practice[kind])
    yield from _fewer("corrupted digits", _all(candidate), _all(baseline), each=False)
    if candidate.validation.calibration_error > baseline.validation.calibration_error + CALIBRATION:
        off, before = candidate.validation.calibration_error, baseline.validation.calibration_error
        yield f"Its confidence is wrong by {off:.2%}, where it was {before:.2%}."
    for name, area in candidate.others.items():
        if area < (was := baseline.others[name]) - AREA:
            yield f"It tells digits less well from what is none ({name}): AUROC {area:.4f}, where it was {was:.4f}."
    if candidate.network_ms > max(1.0, SLOWER * baseline.network_ms):
        yield f"A picture takes it {candidate.network_ms:.2f} ms, where it took {baseline.network_ms:.2f}."


def _fewer(what: str, now: DigitCounts, before: DigitCounts, each: bool = True) -> Iterator[str]:
    if more_errors(_errors(now), _errors(before)):
        yield f"It reads {now.accuracy:.2%} of the {what}, where it was {before.accuracy:.2%}."
    for digit in range(10) if each else ():
        errors, were = (tally.pictures[digit] - tally.right[digit] for tally in (now, before))
        if more_errors(errors, were, SIGMA_EACH):
            yield f"Of the {what}, it misreads {errors} of {now.pictures[digit]} {digit}s, where it was {were}."


def more_errors(now: int, before: int, sigma: float = SIGMA) -> bool:
    """Tell whether there are more errors than chance explains."""
    return now - before > 1 + sigma * math.sqrt(now + before)


def _errors(tally: DigitCounts) -> int:
    return sum(tally.pictures) - sum(tally.right)


def _all(found: Evaluation) -> DigitCounts:
    """Return the corruptions taken together."""
    tallies = found.corrupted.values()
    right = [sum(column) for column in zip(*(tally.right for tally in tallies), strict=True)]
    pictures = [sum(column) for column in zip(*(tally.pictures for tally in tallies), strict=True)]
    return DigitCounts(right=right, pictures=pictures, calibration_error=0, loss=0)


def measured(path: Path, folder: Path = RESULTS_DIR) -> Evaluation:
    """Return the evaluation of the artefact at `path`: kept, if of these weights and pictures, or new."""
    description = describe(path)
    kept = report.path_of(description.version, folder)
    if kept.exists():
        found = report.read(kept)
        if (found.sha256, found.pictures) == (description.sha256["onnx"], EDITION):
            return found
    return suite.evaluate(path, load_mnist(get_settings().data_dir), {}, with_test=False)


def main(arguments: list[str] | None = None) -> int:
    """Say whether an artefact may ship; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m src.model.evaluation.release_gate", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("candidate", type=Path, nargs="?", help="its .json (default: the newest release)")
    parser.add_argument("--against", type=Path, help="the .json of what it is to replace")
    options = parser.parse_args(arguments)
    try:
        path = options.candidate or find_newest(get_settings().model_dir)
        found = faults(measured(path), measured(options.against) if options.against else None)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(found or [f"{path.stem} may ship."]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
