"""What the service counts, and the same counted of the digits that a network was measured on."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from pydantic import BaseModel, ConfigDict

from src.model.inference.predictor import Prediction
from src.model.monitoring.picture_stats import INK, SHARES, SIDES, WIDTHS, measure_picture

ANSWERS: Final = "digits_answers"
BOUNDS: Final = {
    "digits_ink": INK,
    "digits_stroke_width_pixels": WIDTHS,
    "digits_box_width_pixels": SIDES,
    "digits_box_height_pixels": SIDES,
    "digits_confidence": SHARES,
}


class Histograms(BaseModel):
    """How often each of the service's statistics fell between which bounds, of pictures that one network read."""

    model_config = ConfigDict(frozen=True)

    version: str
    counts: dict[str, list[float]]  # by metric; of each bound the pictures up to it, and those beyond the last

    @property
    def pictures(self) -> int:
        """How many pictures were read."""
        return round(sum(self.counts.get(ANSWERS, [])))

    def less(self, before: "Histograms") -> "Histograms":
        """Return what came after `before`; all of it, if the service has begun to count anew since."""
        if before.version != self.version or before.pictures > self.pictures:
            return self
        rest = {name: np.subtract(each, before.counts[name]).tolist() for name, each in self.counts.items()}
        return Histograms(version=self.version, counts=rest)


def of_readings(version: str, predictions: Iterable[Prediction]) -> Histograms:
    """Count predictions as the service does."""
    rows = [(measure_picture(one.pixels), one.probabilities[one.prediction], one.prediction) for one in predictions]
    values: dict[str, ArrayLike] = {
        "digits_ink": [seen.ink for seen, _, _ in rows],
        "digits_stroke_width_pixels": [seen.stroke_width for seen, _, _ in rows],
        "digits_box_width_pixels": [seen.width for seen, _, _ in rows],
        "digits_box_height_pixels": [seen.height for seen, _, _ in rows],
        "digits_confidence": [sure for _, sure, _ in rows],
    }
    counts = {name: counted(values[name], bounds) for name, bounds in BOUNDS.items()}
    counts[ANSWERS] = np.bincount([digit for _, _, digit in rows], minlength=10).astype(float).tolist()
    return Histograms(version=version, counts=counts)


def counted(values: ArrayLike, bounds: tuple[float, ...]) -> list[float]:
    """Return how many values are at most each bound and above the one before, and how many are above the last."""
    places = np.searchsorted(bounds, np.asarray(values, float), side="left")
    return [float(count) for count in np.bincount(places, minlength=len(bounds) + 1)]


def of_metrics(text: str, version: str) -> Histograms:
    """Return what the service's /metrics, in Prometheus's text format, says of the pictures that `version` read."""
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    mine = [each for each in samples if each.labels.get("model") == version]
    counts = {name: _buckets(mine, name, len(bounds) + 1) for name, bounds in BOUNDS.items()}
    answers = {each.labels["digit"]: each.value for each in mine if each.name == f"{ANSWERS}_total"}
    counts[ANSWERS] = [answers.get(str(digit), 0.0) for digit in range(10)]
    return Histograms(version=version, counts=counts)


def _buckets(samples: list[Sample], name: str, count: int) -> list[float]:
    """Return a histogram's buckets; Prometheus adds each to the next."""
    found = sorted((float(each.labels["le"]), each.value) for each in samples if each.name == f"{name}_bucket")
    values = [0.0, *(value for _, value in found)]
    return [after - before for before, after in pairwise(values)] or [0.0] * count


def read(path: Path) -> Histograms:
    """Return the histograms that lie at `path`."""
    return Histograms.model_validate_json(path.read_bytes())
