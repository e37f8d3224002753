"""Do people send other pictures than those that the network was measured on?

python -m src.model.monitoring.drift --metrics http://127.0.0.1:8000/metrics

Each statistic that the service counts is set against the same of 5,000 digits of the training set, held back from
learning, by the population stability index, sum((a - e) * ln(a / e)) over the histogram's shares (Siddiqi, "Credit risk
scorecards", 2006: below 0.1 nothing has changed, above 0.25 it is another population). params.yaml has the limits. By
chance alone it comes to about (bins - 1) * (1 / answers + 1 / 5000): 0.02 for 500 answers.
Ends with 0, or with 3 where the pictures have drifted.
"""

import argparse
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from src.model.errors import DigitError
from src.model.inference.artefact import describe, newest
from src.model.monitoring import histograms
from src.model.monitoring.histograms import Histograms
from src.model.params import Triggers, read_params
from src.settings import RESULTS_DIR, get_settings

DRIFTED: Final = 3


@dataclass(frozen=True)
class Verdict:
    """How far one statistic is from where it was."""

    statistic: str
    psi: float
    limit: float

    @property
    def drifted(self) -> bool:
        """Whether it is further than it may be."""
        return self.psi > self.limit

    def __str__(self) -> str:
        return f"{self.statistic}: PSI {self.psi:.3f}, limit {self.limit}{' - drifted' if self.drifted else ''}"


def psi(expected: list[float], actual: list[float]) -> float:
    """Return the population stability index of two histograms with the same bins; half a picture is added to each."""
    before, now = (np.asarray(each) + 0.5 for each in (expected, actual))
    before, now = before / before.sum(), now / now.sum()
    return float(((now - before) * np.log(now / before)).sum())


def judge(reference: Histograms, now: Histograms, triggers: Triggers) -> list[Verdict]:
    """Return a verdict on each statistic; none where too few pictures were read to say anything."""
    if now.pictures < triggers.least_answers:
        return []
    return [Verdict(name, psi(reference.counts[name], now.counts[name]), far) for name, far in triggers.psi.items()]


def reference_of(version: str, folder: Path = RESULTS_DIR) -> Histograms:
    """Return what a network was measured on. Raises `DigitError`."""
    path = folder / f"reference-{version}.json"
    if not path.exists():
        raise DigitError(f"{path} is missing: `python -m src.model.monitoring.baseline` makes it.")
    return histograms.read(path)


def serving() -> str:
    """Return the version that the service serves by default."""
    settings = get_settings()
    return describe(settings.model_file or newest(settings.model_dir)).version


def served(source: str, version: str) -> Histograms:
    """Return what a service counts; `source` is the address of its /metrics, or a file that holds what it said."""
    if not source.startswith(("http://", "https://")):
        return histograms.of_metrics(Path(source).read_text(), version)
    with urllib.request.urlopen(source, timeout=10) as answer:  # noqa: S310 - http and https only
        return histograms.of_metrics(answer.read().decode(), version)


def main(arguments: list[str] | None = None) -> int:
    """Print a verdict on each statistic; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        version = serving()
        now = served(options.metrics, version)
        since = now.less(served(options.since, version)) if options.since else now
        verdicts = judge(reference_of(version), since, read_params().triggers)
    except (DigitError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{each}\n" for each in verdicts) or f"{since.pictures} answers say nothing yet.\n")
    return DRIFTED if any(each.drifted for each in verdicts) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--metrics", required=True, help="address of the service's /metrics, or a file with what it said"
    )
    parser.add_argument("--since", help="what it said before: only what was counted after that is judged")
    return parser


if __name__ == "__main__":
    sys.exit(main())
