"""The service's metrics for Prometheus; docs/monitor.md explains each."""

import itertools
import os
from collections.abc import Callable
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

_Answered = tuple[list[Counter], dict[str, Histogram]]  # of one model: by digit, and by statistic


class Metrics:
    """The counts of this process, or of all workers where they share a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder:
            _share(folder)
        disable_created_metrics()  # type: ignore[no-untyped-call] # a second line each: when it was first counted
        self._registry = registry = CollectorRegistry()

        def histogram(name: str, text: str, label: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, text, [label], registry=registry, buckets=buckets)

        self._requests = Counter("digits_requests", "requests answered", ["route", "status"], registry=registry)
        self._problems = Counter("digits_problems", "problems answered", ["type"], registry=registry)
        self._seconds = histogram("digits_request_seconds", "from headers to answer", "route", SECONDS)
        self.in_hand = Gauge(
            "digits_requests_in_hand", "requests begun and not answered", registry=registry, multiprocess_mode="livesum"
        )
        self.in_hand.set(0)  # a worker that was killed may have left another number behind
        self._loads = Counter("digits_model_loads", "artefacts opened to be served", ["outcome"], registry=registry)
        self._answers = Counter(ANSWERS, "pictures read", ["model", "digit"], registry=registry)
        self._statistics = {
            name: histogram(statistic.metric, statistic.help, "model", statistic.buckets)
            for name, statistic in STATISTICS.items()
        }
        self._of_models: dict[str, _Answered] = {}  # found once: by its labels, each takes as long as counting

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def problem(self, name: str) -> None:
        """Count a problem, the answer to a request or to a picture of a batch."""
        self._problems.labels(name).inc()

    def load(self, outcome: str) -> None:
        """Count an artefact that was `loaded` or `refused`."""
        self._loads.labels(outcome).inc()

    def answer(self, prediction: Prediction, model: str) -> None:
        """Count a picture that was read, with what tells whether pictures change as time goes by."""
        if not (of := self._of_models.get(model)):
            of = self._of_models[model] = (
                [self._answers.labels(model, digit) for digit in range(10)],
                {name: histogram.labels(model) for name, histogram in self._statistics.items()},
            )
        digits, histograms = of
        digits[prediction.prediction].inc()
        for name, value in measure_prediction(prediction).items():
            histograms[name].observe(value)

    def exposed(self) -> bytes:
        """Return all counts in Prometheus's text format."""
        if not self._folder:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, str(self._folder))  # type: ignore[no-untyped-call] # it has no types
        return generate_latest(together)


def _share(folder: Path) -> None:
    """Keep counts in files under `folder`, which any worker can add up."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # where the library looks for it
    values.ValueClass = values.MultiProcessValue(_place(folder))  # type: ignore[no-untyped-call] # it has no types


def _place(folder: Path) -> Callable[[], int]:
    """Take the first place that no living worker holds, so that a worker goes on counting where a dead one stopped.

    By its process id, each worker that ever lived would leave files behind that have to be read for good.
    """
    import fcntl  # noqa: PLC0415 - not on Windows, where one worker serves

    for number in itertools.count():
        lock = os.open(folder / f"{number}.lock", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until this process ends, however it does
        except BlockingIOError:
            os.close(lock)
        else:
            return lambda: number
    raise AssertionError  # counting never ends
