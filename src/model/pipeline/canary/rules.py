"""The rules by which a candidate on live traffic is withdrawn or promoted; their limits are in params.yaml.

While the trial runs, a candidate is withdrawn only for what chance does not explain, because it is judged every few
seconds. At the end, what was measured must keep the limits.
"""

import math
from collections.abc import Iterator
from typing import Final

from src.model.monitoring.drift import compute_psi
from src.model.params import Canary
from src.model.pipeline.canary.metrics import NetworkCounts, TrialCounts

LEAST: Final = 20  # pictures or passes; from fewer nothing is concluded, except from failures
SIGMAS: Final = 4.0  # a sound candidate is withdrawn by chance in fewer than one trial of a thousand


def find_problems(counts: TrialCounts, limits: Canary, at_end: bool = False) -> list[str]:
    """Return the reasons to withdraw the candidate, a sentence each; none if it may go on, or `at_end` be promoted."""
    sigmas = 0.0 if at_end else SIGMAS
    problems: list[str] = []
    for role, network in (("canary", counts.canary), ("shadow", counts.shadow)):
        problems += _check_failures(role, network, limits)
        problems += _check_time(role, network, counts.production, limits)
        problems += _check_distributions(role, network, counts.production, limits, sigmas)
    problems += _check_agreement(counts, limits, sigmas)
    return problems


def measure(counts: TrialCounts) -> dict[str, float]:
    """Return the figures that the rules judge, by name; a figure that nothing was measured for is missing."""
    production, figures = counts.production, {"dropped": counts.dropped}
    for role, network in (("canary", counts.canary), ("shadow", counts.shadow)):
        figures[f"{role}_pictures"] = network.pictures
        figures[f"{role}_failures"] = network.failures
        if network.passes and production.passes:
            figures[f"{role}_latency_ratio"] = network.mean_seconds / production.mean_seconds
        if network.pictures and production.pictures:
            for name, (ours, theirs) in _distributions(network, production).items():
                figures[f"{role}_psi_{name}"] = compute_psi(theirs, ours)
    if counts.compared:
        figures["agreement"] = counts.agrees / counts.compared
    return {name: round(value, 4) for name, value in figures.items()}


def _check_failures(role: str, network: NetworkCounts, limits: Canary) -> Iterator[str]:
    if network.failures > limits.error_share * (network.pictures + network.failures):
        yield f"As {role}, it failed {network.failures:.0f} times and read {network.pictures:.0f} pictures."


def _check_time(role: str, network: NetworkCounts, production: NetworkCounts, limits: Canary) -> Iterator[str]:
    if min(network.passes, production.passes) < LEAST:
        return
    ratio = network.mean_seconds / production.mean_seconds
    if ratio > limits.latency_ratio:
        yield f"As {role}, it takes {ratio:.1f} times as long as production, more than {limits.latency_ratio:g}."


def _check_distributions(
    role: str, network: NetworkCounts, production: NetworkCounts, limits: Canary, sigmas: float
) -> Iterator[str]:
    if min(network.pictures, production.pictures) < LEAST:
        return
    for name, (ours, theirs) in _distributions(network, production).items():
        psi = compute_psi(theirs, ours)
        if psi > limits.psi + _expect_psi(len(ours), network.pictures, production.pictures, sigmas):
            yield f"As {role}, it differs from production in {name}: PSI {psi:.2f}, limit {limits.psi:g}."


def _distributions(network: NetworkCounts, production: NetworkCounts) -> dict[str, tuple[list[float], list[float]]]:
    return {
        "digits": (network.digits, production.digits),
        "confidence": (network.confidence, production.confidence),
    }


def _expect_psi(buckets: int, pictures: float, others: float, sigmas: float) -> float:
    """Return the PSI that chance alone reaches: its mean and `sigmas` standard deviations above it.

    For equal distributions, the PSI over (1/n + 1/m) is chi-squared, with a degree of freedom less than there are
    buckets (Yurdakul, "Statistical properties of population stability index", 2018).
    """
    if not sigmas:
        return 0.0
    freedom = buckets - 1
    return (freedom + sigmas * math.sqrt(2 * freedom)) * (1 / pictures + 1 / others)


def _check_agreement(counts: TrialCounts, limits: Canary, sigmas: float) -> Iterator[str]:
    if counts.compared < LEAST:
        return
    share = counts.agrees / counts.compared
    if _upper_bound(share, counts.compared, sigmas) < limits.agreement:
        yield f"It agrees with production on {share:.1%} of {counts.compared:.0f} pictures, not {limits.agreement:.0%}."


def _upper_bound(share: float, count: float, sigmas: float) -> float:
    """Return the upper bound of a share measured on `count` (Wilson, "Probable inference", 1927)."""
    square = sigmas * sigmas / count
    spread = sigmas * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return (share + square / 2 + spread) / (1 + square)
