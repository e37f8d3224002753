"""The rules of a trial, on counts as the service's own metrics give them."""

import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import numpy as np
import pytest

from src.app.api.core.metrics import Metrics
from src.model.inference.predictor import Prediction
from src.model.inference.traffic_plan import CANARY, PRODUCTION, SHADOW
from src.model.params import read_params
from src.model.pipeline.canary import metrics
from src.model.pipeline.canary.metrics import Key, ServiceError, TrialCounts, Watch, collect, parse_counts, subtract
from src.model.pipeline.canary.rules import find_problems, measure
from tests.servers import FakeService

OLD, NEW = "1.3.0", "1.3.1"
LIMITS = read_params().canary


def prediction(digit: int, confidence: float = 0.995) -> Prediction:
    probabilities = [(1 - confidence) / 9] * 10
    probabilities[digit] = confidence
    return Prediction(digit, probabilities, 0.9, 1, np.zeros((28, 28), np.float32))


class Traffic:
    """A service's metrics, and what the networks have done."""

    def __init__(self) -> None:
        self.metrics = Metrics(None)

    def answer(
        self, version: str, role: str, digits: Sequence[int], confidence: float = 0.995, ms: float = 0.2
    ) -> None:
        """Let a network answer."""
        for digit in digits:
            self.metrics.answer(prediction(digit, confidence), version, role)
            self.metrics.network_seconds(version, role)(ms / 1000)

    def read_along(self, agreeing: int, differing: int, ms: float = 0.1) -> None:
        """Let the shadow read what production answers."""
        for number in range(agreeing + differing):
            self.metrics.answer(prediction(number % 10), OLD, PRODUCTION)
            self.metrics.shadow(prediction((number + (number >= agreeing)) % 10), NEW, number < agreeing)
            self.metrics.network_seconds(OLD, PRODUCTION)(0.0002)
            self.metrics.network_seconds(NEW, SHADOW)(ms / 1000)

    def count(self) -> TrialCounts:
        """Return the counts as they are read from the service."""
        return collect(parse_counts(self.metrics.render().decode()), NEW)


@pytest.fixture
def traffic() -> Traffic:
    """Return a service whose production has answered a thousand times, as often with each digit."""
    traffic = Traffic()
    traffic.answer(OLD, PRODUCTION, [*range(10)] * 100)
    return traffic


def test_sound_candidate_has_no_problems_at_any_time(traffic: Traffic) -> None:
    rng = np.random.default_rng(0)
    for _ in range(15):
        traffic.answer(NEW, CANARY, rng.integers(0, 10, 20).tolist())
        traffic.read_along(98, 2)
        assert find_problems(traffic.count(), LIMITS) == []
    assert find_problems(traffic.count(), LIMITS, at_end=True) == []


def test_nothing_is_concluded_from_few_pictures(traffic: Traffic) -> None:
    traffic.answer(NEW, CANARY, [3] * 19, ms=5)
    traffic.read_along(0, 19)
    assert find_problems(traffic.count(), LIMITS) == []


def test_first_failure_is_a_problem(traffic: Traffic) -> None:
    traffic.answer(NEW, CANARY, [*range(10)])
    traffic.metrics.failure(NEW, CANARY, "error")
    assert find_problems(traffic.count(), LIMITS) == ["As canary, it failed 1 times and read 10 pictures."]


def test_failures_of_other_networks_do_not_count(traffic: Traffic) -> None:
    traffic.metrics.failure("0.9.0", CANARY, "error")
    assert find_problems(traffic.count(), LIMITS) == []


@pytest.mark.parametrize("role", [CANARY, SHADOW])
def test_slow_candidate_is_a_problem(traffic: Traffic, role: str) -> None:
    if role == CANARY:
        traffic.answer(NEW, CANARY, [*range(10)] * 2, ms=0.5)
    else:
        traffic.read_along(20, 0, ms=0.5)
    (problem,) = find_problems(traffic.count(), LIMITS)
    assert problem == f"As {role}, it takes 2.5 times as long as production, more than 2."


def test_candidate_that_sees_one_digit_is_a_problem(traffic: Traffic) -> None:
    traffic.answer(NEW, CANARY, [3] * 20)
    (problem,) = find_problems(traffic.count(), LIMITS)
    assert "differs from production in digits" in problem


def test_candidate_with_other_confidence_is_a_problem(traffic: Traffic) -> None:
    traffic.answer(NEW, CANARY, [*range(10)] * 5, confidence=0.6)
    (problem,) = find_problems(traffic.count(), LIMITS)
    assert "differs from production in confidence" in problem


def test_candidate_that_disagrees_is_a_problem(traffic: Traffic) -> None:
    traffic.read_along(0, 20)
    (problem,) = find_problems(traffic.count(), LIMITS)
    assert problem == "It agrees with production on 0.0% of 20 pictures, not 95%."


def test_what_chance_may_explain_counts_only_at_the_end(traffic: Traffic) -> None:
    traffic.read_along(94, 6)
    assert find_problems(traffic.count(), LIMITS) == []
    assert "94.0%" in find_problems(traffic.count(), LIMITS, at_end=True)[0]


def test_figures_are_those_of_the_rules(traffic: Traffic) -> None:
    traffic.answer(NEW, CANARY, [*range(10)] * 10, ms=0.3)
    traffic.read_along(97, 3)
    traffic.metrics.drop_shadow(NEW)
    figures = measure(traffic.count())
    assert figures["canary_pictures"] == figures["shadow_pictures"] == 100
    assert figures["canary_latency_ratio"] == pytest.approx(1.5)
    assert figures["shadow_latency_ratio"] == pytest.approx(0.5)
    assert figures["agreement"] == 0.97
    assert figures["dropped"] == 1
    assert figures["canary_psi_digits"] < 0.01


def test_only_what_happened_since_the_start_counts() -> None:
    key: Key = ("digits_answers_total", frozenset({("model", NEW)}))
    assert subtract({key: 5}, {key: 3}) == {key: 2}
    assert subtract({key: 3}, {key: 5}) == {key: 3}  # the service has restarted
    assert subtract({key: 5}, {}) == {key: 5}


def test_services_are_added_up(fake_service: FakeService) -> None:
    traffic = Traffic()
    traffic.answer(OLD, PRODUCTION, [1])
    watch = Watch([fake_service.url, f"{fake_service.url}/"], NEW)
    for digit in (1, 2):
        traffic.answer(NEW, CANARY, [digit])
        traffic.metrics.assign(CANARY, NEW)
        fake_service.others["/metrics"] = traffic.metrics.render()
        counts = watch.read()
    assert counts.canary.digits == [0, 0, 2, *[0] * 7]
    assert counts.production.pictures == 0
    assert (watch.count_workers(CANARY), watch.count_workers(SHADOW)) == (2, 0)
    assert watch.count_workers(CANARY, is_candidate=False) == 0


def test_every_pod_behind_a_name_is_watched_and_counts_after_it_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    pods = {"10.0.0.1": Traffic(), "10.0.0.2": Traffic()}

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        assert host == "digits-api-pods"
        return [(socket.AF_INET, None, None, "", (pod, port)) for pod in pods]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(metrics, "read_text", lambda url: pods[urlsplit(url).hostname or ""].metrics.render().decode())
    watch = Watch(["http://digits-api-pods:8000"], NEW)
    watch.read()
    for traffic in pods.values():
        traffic.answer(NEW, CANARY, [1])
        traffic.metrics.assign(CANARY, NEW)
    assert watch.read().canary.digits[1] == 2
    assert watch.count_workers(CANARY) == 2

    del pods["10.0.0.1"]
    pods["10.0.0.3"] = Traffic()
    assert watch.read().canary.digits[1] == 2
    pods["10.0.0.3"].answer(NEW, CANARY, [1])
    assert watch.read().canary.digits[1] == 3
    assert watch.count_workers(CANARY) == 1


@pytest.mark.parametrize(
    ("service", "addresses"),
    [
        ("http://127.0.0.1:8000", ["http://127.0.0.1:8000"]),
        ("http://[::1]:8000/", ["http://[::1]:8000/"]),
        ("https://digits.example", ["https://digits.example"]),
    ],
)
def test_a_machine_has_one_address(service: str, addresses: list[str]) -> None:
    assert metrics.find_addresses(service) == addresses


def test_a_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ServiceError, match=r"http://pods\.invalid can't be found"):
        metrics.find_addresses("http://pods.invalid")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "no address"])
def test_unreachable_service_is_named(address: str) -> None:
    with pytest.raises(ServiceError, match=address):
        metrics.read_text(address)
