"""Histograms of the statistics that drift is measured by: counted from predictions, or read from the service."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from pydantic import BaseModel, ConfigDict

from src.model.inference.predictor import Prediction
from src.model.inference.traffic_plan import SHADOW
from src.model.monitoring.picture_stats import ANSWERS, STATISTICS, measure_prediction

REFERENCE_STATISTICS = {name: statistic for name, statistic in STATISTICS.items() if statistic.in_reference}


class Histograms(BaseModel):
    """The histograms of the pictures that one network has seen."""

    model_config = ConfigDict(frozen=True)

    version: str
    counts: dict[str, list[float]]  # by metric: pictures in each bucket, and above the last; for answers by digit

    @property
    def pictures(self) -> int:
        """The number of pictures."""
        return round(sum(self.counts.get(ANSWERS, [])))

    def subtract(self, before: "Histograms") -> "Histograms":
        """Return the pictures counted since `before`; all of them if the service has restarted since."""
        if before.version != self.version or before.pictures > self.pictures:
            return self
        counts = {metric: np.subtract(now, before.counts[metric]).tolist() for metric, now in self.counts.items()}
        return Histograms(version=self.version, counts=counts)


def count_predictions(version: str, predictions: Sequence[Prediction]) -> Histograms:
    """Count predictions of the network `version`, as the service does."""
    rows = [measure_prediction(prediction) for prediction in predictions]
    counts = {
        statistic.metric: count_values([row[name] for row in rows], statistic.buckets)
        for name, statistic in REFERENCE_STATISTICS.items()
    }
    digits = [prediction.prediction for prediction in predictions]
    counts[ANSWERS] = np.bincount(digits, minlength=10).astype(float).tolist()
    return Histograms(version=version, counts=counts)


def count_values(values: ArrayLike, buckets: tuple[float, ...]) -> list[float]:
    """Return the number of values in each bucket, bounds included, and the number above the last."""
    indices = np.searchsorted(buckets, np.asarray(values, float), side="left")
    return [float(count) for count in np.bincount(indices, minlength=len(buckets) + 1)]


def parse_metrics(text: str, version: str) -> Histograms:
    """Return the histograms of the network `version` in a service's /metrics, in Prometheus's text format.

    What it read as a shadow does not count: production has read the same pictures.
    """
    samples = [
        sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("model") == version and sample.labels.get("role") != SHADOW
    ]
    counts = {
        statistic.metric: _read_buckets(samples, statistic.metric) or [0.0] * (len(statistic.buckets) + 1)
        for statistic in REFERENCE_STATISTICS.values()
    }
    answers = _add_up(samples, f"{ANSWERS}_total", "digit")
    counts[ANSWERS] = [answers[str(digit)] for digit in range(10)]
    return Histograms(version=version, counts=counts)


def _read_buckets(samples: list[Sample], metric: str) -> list[float]:
    """Return the pictures in each bucket of a histogram; Prometheus adds each bucket to the next."""
    sums = _add_up(samples, f"{metric}_bucket", "le")
    return [after - before for before, after in pairwise([0.0, *(sums[bound] for bound in sorted(sums, key=float))])]


def _add_up(samples: list[Sample], name: str, label: str) -> defaultdict[str, float]:
    """Return the values of a metric by the value of a label, added up over the roles of a network."""
    sums: defaultdict[str, float] = defaultdict(float)
    for sample in samples:
        if sample.name == name:
            sums[sample.labels[label]] += sample.value
    return sums


def read_histograms(path: Path) -> Histograms:
    """Return the histograms in the file at `path`."""
    return Histograms.model_validate_json(path.read_bytes())
