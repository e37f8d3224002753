"""Prints the measurements of the pipeline's release beside those of the network that it replaces, as Markdown.

python -m src.model.pipeline.report
"""

import sys
from collections.abc import Iterator

from src.model.evaluation.report import Evaluation, evaluation_path, load_evaluation
from src.model.pipeline.paths import RELEASE
from src.model.pipeline.tracking import read_report


def main() -> int:
    """Print the table of the release; return the exit status."""
    registered = read_report("registered")
    replaces = str(registered["replaces"])
    saved = evaluation_path(replaces)
    before = load_evaluation(saved) if saved.exists() else None
    now = load_evaluation(evaluation_path(str(registered["version"]), RELEASE))
    sys.stdout.write("Trained by the pipeline. ")
    sys.stdout.write(f"The release gate allows it to replace {replaces}.\n\n" if replaces else "It is the first.\n\n")
    sys.stdout.write(format_table(now, before))
    return 0


def format_table(now: Evaluation, before: Evaluation | None) -> str:
    """Return a Markdown table with a row per measurement."""
    old = dict(_format_rows(before)) if before else {}
    lines = [f"| | {now.version} | {before.version if before else 'none before'} |", "| --- | --- | --- |"]
    lines += [f"| {name} | {value} | {old.get(name, '')} |" for name, value in _format_rows(now)]
    return "\n".join(lines) + "\n"


def _format_rows(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    yield "network", f"{evaluation.network}, {evaluation.parameters:,} parameters"
    yield "MNIST validation", f"{evaluation.validation.accuracy:.2%}"
    if evaluation.test:
        yield "MNIST test", f"{evaluation.test.accuracy:.2%}"
    yield from ((f"{kind} digits", f"{counts.accuracy:.2%}") for kind, counts in evaluation.synthetic.items())
    yield "mean over the corruptions", f"{evaluation.robustness:.2%}"
    yield "calibration error", f"{evaluation.validation.calibration_error:.2%}"
    for kind, auroc in evaluation.non_digit_auroc.items():
        yield f"digits against non-digits ({kind}), AUROC", f"{auroc:.4f}"
    yield "a picture through the network", f"{evaluation.network_ms:.2f} ms"


if __name__ == "__main__":
    sys.exit(main())
