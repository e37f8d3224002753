"""What a candidate has done on live traffic, from the /metrics of the services that it runs on."""

import socket
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from src.model.errors import DigitError
from src.model.inference.traffic_plan import CANARY, PRODUCTION, SHADOW

READ_LIMIT_S: Final = 10
FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)

Key = tuple[str, frozenset[tuple[str, str]]]  # a sample's name and labels
Counts = Mapping[Key, float]


class ServiceError(DigitError):
    """The metrics of a service can't be read."""


@dataclass(frozen=True)
class NetworkCounts:
    """What a network has done in a role."""

    digits: list[float]  # pictures by the digit read
    confidence: list[float]  # pictures by confidence, in the buckets of the service
    seconds: float  # processor time for a picture, summed over the passes through the network
    passes: float
    failures: float

    @property
    def pictures(self) -> float:
        """The number of pictures read."""
        return sum(self.digits)

    @property
    def mean_seconds(self) -> float:
        """The mean processor time for a picture."""
        return self.seconds / max(self.passes, 1)


@dataclass(frozen=True)
class TrialCounts:
    """What candidate and production have done since the trial began."""

    production: NetworkCounts
    canary: NetworkCounts
    shadow: NetworkCounts
    agrees: float  # pictures on which the shadow reads what production answered
    differs: float
    dropped: float  # pictures that the shadow had no time for

    @property
    def compared(self) -> float:
        """The pictures that both have read."""
        return self.agrees + self.differs


class Watch:
    """Reads the metrics of services again and again, and counts what has happened since the first time.

    Services may come and go meanwhile, if a name stands for several of them.
    """

    def __init__(self, services: Sequence[str], candidate: str) -> None:
        self._services = services
        self._candidate = candidate
        self._first: dict[str, Counts] = {}  # by address
        self._counted: dict[str, dict[Key, float]] = {}  # since then; also of services that have gone
        self._workers: Counter[tuple[str, bool]] = Counter()  # by role, and whether it is the candidate's

    def read(self) -> TrialCounts:
        """Return the counts of all services together. Raises `ServiceError`."""
        self._workers.clear()
        for number, service in enumerate(self._services):
            for address in find_addresses(service):
                counts = parse_counts(read_text(address))
                for (name, found), value in counts.items():
                    if name == "digits_networks":
                        labels = dict(found)
                        self._workers[labels["role"], labels["model"] == self._candidate] += int(value)
                key = f"{number} {address}"
                self._counted[key] = subtract(counts, self._first.setdefault(key, counts))
        total: Counter[Key] = Counter()
        for counted in self._counted.values():
            total.update(counted)
        return collect(total, self._candidate)

    def count_workers(self, role: str, is_candidate: bool = True) -> int:
        """Return the number of workers in which the candidate, or another network, had the role at the last reading."""
        return self._workers[role, is_candidate]


def find_addresses(service: str) -> list[str]:
    """Return an address for each machine that the name in `service` stands for, such as all pods of a headless Service.

    A name with a certificate (`https`) stays as it is. Raises `ServiceError`.
    """
    parts = urlsplit(service)
    if parts.scheme != "http" or not parts.hostname:
        return [service]
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ServiceError(f"{service} can't be found: {error.strerror}.") from error
    # a machine with addresses of both kinds counts once
    hosts = {family: sorted({str(address[0]) for kind, *_, address in found if kind == family}) for family in FAMILIES}
    names = hosts[socket.AF_INET] or [f"[{host}]" for host in hosts[socket.AF_INET6]]
    return [parts._replace(netloc=f"{name}:{parts.port or 80}").geturl() for name in names]


def read_text(service: str) -> str:
    """Return the /metrics of a service. Raises `ServiceError`."""
    address = f"{service.rstrip('/')}/metrics"
    try:
        with urllib.request.urlopen(address, timeout=READ_LIMIT_S) as response:  # noqa: S310 - the operator names it
            text: str = response.read().decode()
    except (OSError, ValueError, HTTPException) as error:
        raise ServiceError(f"{address} can't be read: {error}.") from error
    return text


def parse_counts(text: str) -> Counts:
    """Return the samples that belong to a network, from Prometheus's text format."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "model" in sample.labels
    }


def subtract(now: Counts, before: Counts) -> dict[Key, float]:
    """Return what was counted since `before`; a service that has restarted since counts from 0."""
    return {key: value - (start if (start := before.get(key, 0)) <= value else 0) for key, value in now.items()}


def collect(counts: Counts, candidate: str) -> TrialCounts:
    """Return the counts of the candidate and of whatever was in production."""

    def read(outcome: str) -> float:
        return _sum(counts, "digits_shadow_readings_total", model=candidate, outcome=outcome)

    return TrialCounts(
        production=_collect_role(counts, role=PRODUCTION),
        canary=_collect_role(counts, role=CANARY, model=candidate),
        shadow=_collect_role(counts, role=SHADOW, model=candidate),
        agrees=read("agrees"),
        differs=read("differs"),
        dropped=read("dropped"),
    )


def _collect_role(counts: Counts, **labels: str) -> NetworkCounts:
    return NetworkCounts(
        digits=[_sum(counts, "digits_answers_total", digit=str(digit), **labels) for digit in range(10)],
        confidence=_read_buckets(counts, "digits_confidence", labels),
        seconds=_sum(counts, "digits_network_seconds_sum", **labels),
        passes=_sum(counts, "digits_network_seconds_count", **labels),
        failures=_sum(counts, "digits_network_failures_total", **labels),
    )


def _sum(counts: Counts, name: str, **labels: str) -> float:
    """Return the sum of the samples that have the labels."""
    wanted = labels.items()
    return sum(value for (sample, found), value in counts.items() if sample == name and wanted <= found)


def _read_buckets(counts: Counts, metric: str, labels: Mapping[str, str]) -> list[float]:
    """Return the pictures in each bucket of a histogram; Prometheus adds each bucket to the next."""
    bounds = {dict(found)["le"] for sample, found in counts if sample == f"{metric}_bucket"}
    sums = [_sum(counts, f"{metric}_bucket", le=bound, **labels) for bound in sorted(bounds, key=float)]
    return [after - before for before, after in pairwise([0.0, *sums])]
