"""The figures of the pipeline's release beside those of the network that it is to replace, as Markdown.

python -m src.model.pipeline.report
"""

import sys
from collections.abc import Iterator

from src.model.evaluation import report
from src.model.evaluation.report import Evaluation
from src.model.pipeline.paths import RELEASE
from src.model.pipeline.tracking import read_report


def table(now: Evaluation, before: Evaluation | None) -> str:
    """Return a row for each figure."""
    rows = dict(_figures(now))
    were = dict(_figures(before)) if before else {}
    lines = [f"| | {now.version} | {before.version if before else 'none before'} |", "| --- | --- | --- |"]
    return "\n".join(lines + [f"| {name} | {figure} | {were.get(name, '')} |" for name, figure in rows.items()]) + "\n"


def _figures(found: Evaluation) -> Iterator[tuple[str, str]]:
    yield "network", f"{found.network}, {found.parameters:,} parameters"
    yield "MNIST validation", f"{found.validation.accuracy:.2%}"
    if found.test:
        yield "MNIST test", f"{found.test.accuracy:.2%}"
    yield from ((f"{kind} digits", f"{tally.accuracy:.2%}") for kind, tally in found.practice.items())
    yield "mean over the corruptions", f"{found.robustness:.2%}"
    yield "calibration error", f"{found.validation.calibration_error:.2%}"
    yield from ((f"digit or not, {name}: AUROC", f"{area:.4f}") for name, area in found.others.items())
    yield "a picture through the network", f"{found.network_ms:.2f} ms"


def main() -> int:
    """Print the table of the release that the pipeline made."""
    made = read_report("registered")
    kept = report.path_of(str(made["replaces"]))
    before = report.read(kept) if kept.exists() else None
    now = report.read(report.path_of(str(made["version"]), RELEASE))
    sys.stdout.write(f"Trained by the pipeline; the gate lets it replace {made['replaces'] or 'nothing'}.\n\n")
    sys.stdout.write(table(now, before))
    return 0


if __name__ == "__main__":
    sys.exit(main())
