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
from src.model.inference.traffic_plan import CANARY, SHADOW
from src.model.monitoring.picture_stats import ANSWERS, STATISTICS, measure_prediction

# of a network for one picture
NETWORK_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SHADOW_STATISTICS: Final = ("confidence", "digit_score")  # the others are of the picture, which is counted already
FAILURES: Final = {CANARY: ("error", "slow"), SHADOW: ("error",)}  # reasons by role

_ModelMetrics = tuple[list[Counter], dict[str, Histogram]]  # of a model in a role: by digit, and by statistic


class Metrics:
    """The metrics of this process, or of all workers if they share a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder:
            _share_values(folder)
        disable_created_metrics()  # type: ignore[no-untyped-call] # each would add a line with its start time
        self._registry = registry = CollectorRegistry()

        def histogram(name: str, text: str, labels: list[str], buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, text, labels, registry=registry, buckets=buckets)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry, multiprocess_mode="livesum")

        self._requests = counter("digits_requests", "requests answered", "route", "status")
        self._problems = counter("digits_problems", "problems answered", "type")
        self._seconds = histogram("digits_request_seconds", "from headers to answer", ["route"], SECONDS)
        self.in_hand = gauge("digits_requests_in_hand", "requests begun and not answered")
        self._loads = counter("digits_model_loads", "artefacts opened to be served", "outcome")
        self._answers = counter(ANSWERS, "pictures read", "model", "digit", "role")
        self._statistics = {
            name: histogram(statistic.metric, statistic.help, ["model", "role"], statistic.buckets)
            for name, statistic in STATISTICS.items()
        }
        self._networks = gauge("digits_networks", "workers in which a network has the role", "model", "role")
        text = "processor time of the network for a picture"
        self._network_seconds = histogram("digits_network_seconds", text, ["model", "role"], NETWORK_SECONDS)
        self._failures = counter("digits_network_failures", "failures of a network", "model", "role", "reason")
        self._shadow = counter("digits_shadow_readings", "pictures offered to the shadow", "model", "outcome")
        self._in_role: dict[str, str] = {}  # the version of the network in each role
        # cached: looking a metric up by its labels takes as long as counting
        self._of_models: dict[tuple[str, str], _ModelMetrics] = {}
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

    def answer(self, prediction: Prediction, model: str, role: str) -> None:
        """Count a prediction, with the statistics of its picture from which drift is measured."""
        digits, histograms = self._find_model(model, role)
        digits[prediction.prediction].inc()
        for name, value in measure_prediction(prediction).items():
            histograms[name].observe(value)

    def shadow(self, prediction: Prediction, model: str, agrees: bool) -> None:
        """Count what the shadow reads, and whether it agrees with the answer."""
        digits, histograms = self._find_model(model, SHADOW)
        digits[prediction.prediction].inc()
        histograms["confidence"].observe(prediction.probabilities[prediction.prediction])
        histograms["digit_score"].observe(prediction.digit_score)
        self._shadow.labels(model, "agrees" if agrees else "differs").inc()

    def drop_shadow(self, model: str) -> None:
        """Count a picture that the shadow had no time for."""
        self._shadow.labels(model, "dropped").inc()

    def failure(self, model: str, role: str, reason: str) -> None:
        """Count a failure of a network on trial; `FAILURES` has the reasons."""
        self._failures.labels(model, role, reason).inc()

    def network_seconds(self, model: str, role: str) -> Callable[[float], None]:
        """Return the function that counts the processor time of a network for a picture, in seconds."""
        return self._network_seconds.labels(model, role).observe

    def assign(self, role: str, model: str | None) -> None:
        """Show that from now on `model` has the role in this worker; None: no network has."""
        if model == self._in_role.get(role):
            return
        if before := self._in_role.pop(role, None):
            self._networks.labels(before, role).set(0)
        if model:
            self._in_role[role] = model
            self._networks.labels(model, role).set(1)
            for reason in FAILURES.get(role, ()):  # from 0, so that Prometheus sees the first failure as an increase
                self._failures.labels(model, role, reason)

    def _find_model(self, model: str, role: str) -> _ModelMetrics:
        """Return the metrics of a network in a role."""
        if not (found := self._of_models.get((model, role))):
            found = self._of_models[model, role] = (
                [self._answers.labels(model, digit, role) for digit in range(10)],
                {
                    name: histogram.labels(model, role)
                    for name, histogram in self._statistics.items()
                    if role != SHADOW or name in SHADOW_STATISTICS
                },
            )
        return found

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
    for path in folder.glob(f"gauge_live*_{slot}.db"):  # what a killed worker was doing
        path.unlink()
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
