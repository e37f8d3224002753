"""The service's metrics for Prometheus; docs/monitor.md explains each."""

import itertools
import os
from pathlib import Path
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

from src.model.inference.predictor import Prediction
from src.model.monitoring.picture_stats import ANSWERS, STATISTICS, measure_prediction

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_ModelMetrics = tuple[list[Counter], dict[str, Histogram]]  # of one model: by digit, and by statistic


class Metrics:
    """The metrics of this process, or of all workers if they share a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder:
            _share_values(folder)
        disable_created_metrics()  # type: ignore[no-untyped-call] # each would add a line with its start time
        self._registry = registry = CollectorRegistry()

        def histogram(name: str, text: str, label: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, text, [label], registry=registry, buckets=buckets)

        self._requests = Counter("digits_requests", "requests answered", ["route", "status"], registry=registry)
        self._problems = Counter("digits_problems", "problems answered", ["type"], registry=registry)
        self._seconds = histogram("digits_request_seconds", "from headers to answer", "route", SECONDS)
        self.in_hand = Gauge(
            "digits_requests_in_hand", "requests begun and not answered", registry=registry, multiprocess_mode="livesum"
        )
        self.in_hand.set(0)  # a killed worker may have left another value behind
        self._loads = Counter("digits_model_loads", "artefacts opened to be served", ["outcome"], registry=registry)
        self._answers = Counter(ANSWERS, "pictures read", ["model", "digit"], registry=registry)
        self._statistics = {
            name: histogram(statistic.metric, statistic.help, "model", statistic.buckets)
            for name, statistic in STATISTICS.items()
        }
        # cached: looking a metric up by its labels takes as long as counting
        self._of_models: dict[str, _ModelMetrics] = {}
        self._of_requests: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request and the seconds that it took."""
        if (route, status) not in self._of_requests:
            self._of_requests[route, status] = self._requests.labels(route, status), self._seconds.labels(route)
        requests, histogram = self._of_requests[route, status]
        requests.inc()
        histogram.observe(seconds)

    def problem(self, name: str) -> None:
        """Count a problem that a request, or a picture of a batch, was answered with."""
        self._problems.labels(name).inc()

    def load(self, outcome: str) -> None:
        """Count an attempt to load an artefact; the outcome is "loaded" or "refused"."""
        self._loads.labels(outcome).inc()

    def answer(self, prediction: Prediction, model: str) -> None:
        """Count a prediction, with the statistics of its picture from which drift is measured."""
        if model not in self._of_models:
            self._of_models[model] = (
                [self._answers.labels(model, digit) for digit in range(10)],
                {name: histogram.labels(model) for name, histogram in self._statistics.items()},
            )
        digits, histograms = self._of_models[model]
        digits[prediction.prediction].inc()
        for name, value in measure_prediction(prediction).items():
            histograms[name].observe(value)

    def render(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        if not self._folder:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call] # it has no types
        return generate_latest(registry)


def _share_values(folder: Path) -> None:
    """Keep the values in files under `folder`, which every worker can add up."""
    slot = _take_slot(folder)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # prometheus_client reads it
    values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call] # it has no types


def _take_slot(folder: Path) -> int:
    """Lock the first slot that no living worker holds, and return its number.

    The number names the worker's files. A new worker continues the files of a dead one; named by process id, as
    prometheus_client does by default, the files of every worker that ever lived would remain.
    """
    import fcntl  # noqa: PLC0415 - missing on Windows, where only one worker serves

    for number in itertools.count():
        lock = os.open(folder / f"{number}.lock", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held until this process ends
        except BlockingIOError:
            os.close(lock)
        else:
            return number
    raise AssertionError("unreachable: itertools.count() never ends")
