"""Detect drift: whether users send other pictures than those that the network was measured on.

python -m src.model.monitoring.drift --metrics http://127.0.0.1:8000/metrics

Compares the service's histograms with those of 5,000 validation digits by the population stability index (PSI),
sum((a - e) * ln(a / e)) over the shares of the buckets (Siddiqi, "Credit risk scorecards", 2006: below 0.1 nothing has
changed, above 0.25 the population is another). By chance alone it is about (buckets - 1) * (1 / answers + 1 / 5000):
0.02 for 500 answers. The limits are in params.yaml. Exits with 3 if the pictures have drifted, otherwise with 0.
"""

import argparse
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from src.model.errors import DigitError
from src.model.inference.artefact import describe, find_newest
from src.model.monitoring.histograms import Histograms, parse_metrics, read_histograms
from src.model.params import Triggers, read_params
from src.settings import RESULTS_DIR, get_settings

DRIFTED: Final = 3  # exit status


@dataclass(frozen=True)
class Verdict:
    """The distance of one statistic from its reference."""

    statistic: str
    psi: float
    limit: float

    @property
    def drifted(self) -> bool:
        """Whether the distance exceeds the limit."""
        return self.psi > self.limit

    def __str__(self) -> str:
        return f"{self.statistic}: PSI {self.psi:.3f}, limit {self.limit}{' - drifted' if self.drifted else ''}"


def compute_psi(expected: list[float], actual: list[float]) -> float:
    """Return the population stability index of two histograms with the same buckets.

    Half a picture is added to each bucket, so that empty ones have a logarithm.
    """
    before, now = np.asarray(expected) + 0.5, np.asarray(actual) + 0.5
    before, now = before / before.sum(), now / now.sum()
    return float(((now - before) * np.log(now / before)).sum())


def judge(reference: Histograms, now: Histograms, triggers: Triggers) -> list[Verdict]:
    """Return a verdict for each statistic, or none if there are too few answers."""
    if now.pictures < triggers.least_answers:
        return []
    return [
        Verdict(metric, compute_psi(reference.counts[metric], now.counts[metric]), limit)
        for metric, limit in triggers.psi.items()
    ]


def read_reference(version: str, folder: Path = RESULTS_DIR) -> Histograms:
    """Return the histograms that the network `version` was measured on. Raises `DigitError`."""
    path = folder / f"reference-{version}.json"
    if not path.exists():
        raise DigitError(f"{path} is missing: `python -m src.model.monitoring.baseline` makes it.")
    return read_histograms(path)


def find_serving_version() -> str:
    """Return the version that the service serves by default."""
    settings = get_settings()
    return describe(settings.model_file or find_newest(settings.model_dir)).version


def read_metrics(source: str, version: str) -> Histograms:
    """Return the service's histograms; `source` is the address of its /metrics, or a file with their text."""
    if not source.startswith(("http://", "https://")):
        return parse_metrics(Path(source).read_text(), version)
    with urllib.request.urlopen(source, timeout=10) as response:  # noqa: S310 - http and https only
        return parse_metrics(response.read().decode(), version)


def main(arguments: list[str] | None = None) -> int:
    """Print a verdict for each statistic; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        version = find_serving_version()
        histograms = read_metrics(options.metrics, version)
        if options.since:
            histograms = histograms.subtract(read_metrics(options.since, version))
        verdicts = judge(read_reference(version), histograms, read_params().triggers)
    except (DigitError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not verdicts:
        sys.stdout.write(f"{histograms.pictures} answers are too few to detect drift.\n")
    sys.stdout.writelines(f"{verdict}\n" for verdict in verdicts)
    return DRIFTED if any(verdict.drifted for verdict in verdicts) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--metrics", required=True, help="address of the service's /metrics, or a file with their text")
    parser.add_argument("--since", help="the same, earlier: only answers since then are judged")
    return parser


if __name__ == "__main__":
    sys.exit(main())
