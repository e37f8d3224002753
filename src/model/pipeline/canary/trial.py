"""Try the registry's candidate on live traffic, then promote it or withdraw it.

python -m src.model.pipeline.canary.trial --service http://127.0.0.1:8000       or DIGITS_SERVICE

The candidate first reads as a shadow what production answers, then it also answers a share of the requests. Meanwhile
the metrics of all services named are watched. A candidate that breaks a rule of `rules.py` is withdrawn at once.
One that can't be watched, or gets too few requests to be judged, is stopped and remains the candidate. If this program
dies, the services stop the candidate themselves within `LEASE`. Exits with 0 if the candidate was promoted.
"""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from src.model.errors import DigitError
from src.model.inference.traffic_plan import (
    CANARY,
    CANARY_FOLDER,
    PRODUCTION,
    SHADOW,
    TrafficPlan,
    remove_plan,
    write_plan,
)
from src.model.params import Canary as Limits
from src.model.params import read_params
from src.model.pipeline import promote, registry
from src.model.pipeline.canary.metrics import ServiceError, TrialCounts, Watch
from src.model.pipeline.canary.rules import find_problems, measure
from src.model.pipeline.registry import Registered, RegistryError
from src.model.pipeline.tracking import track
from src.settings import Canary, get_settings

POLL_S: Final = 2.0
LEASE: Final = timedelta(seconds=60)  # how long the services follow the plan if nobody renews it
UNREADABLE_S: Final = 20.0  # how long the metrics may be unreadable
START_LIMIT_S: Final = 60.0  # until a worker must use the candidate
STOP_LIMIT_S: Final = 120.0  # until all workers must have let go of the candidate
Verdict = Literal["promoted", "withdrawn", "inconclusive"]
VERDICTS: Final[dict[Verdict, str]] = {
    "promoted": "in production",
    "withdrawn": "withdrawn",
    "inconclusive": "stopped, and not judged",
}


class Inconclusive(DigitError):  # noqa: N818 - an outcome, not an error of the program
    """The candidate could not be judged."""


@dataclass
class Trial:
    """A candidate on the services that serve `model_dir`."""

    version: str
    model_dir: Path
    watch: Watch
    limits: Limits
    promote: Callable[[], object]
    counts: TrialCounts | None = None  # at the last reading
    answers: float = 0.0  # of the canary, and requests on which it failed
    times: dict[str, float] = field(default_factory=dict)  # of what has happened, in seconds on the monotonic clock
    _plan: TrafficPlan = field(default_factory=TrafficPlan)
    _renewed: float = 0.0

    def run(self) -> list[str]:
        """Return the reasons why the candidate must be withdrawn; none if it was promoted. Raises `Inconclusive`."""
        self.times["started"] = self.times["read"] = time.monotonic()
        self.counts = self.watch.read()  # counts from here
        try:
            self._start(shadow_only=self.limits.least_readings > 0)
            if not (reasons := self._watch()):
                self.promote()  # before the plan ends, so that a worker goes from one to the other at once
            return reasons
        finally:
            remove_plan(self.model_dir)

    def wait_until_settled(self, is_promoted: bool) -> bool:
        """Wait until no worker tries the candidate, and if it is promoted, all serve it; return whether they do."""
        deadline = time.monotonic() + STOP_LIMIT_S
        while time.monotonic() < deadline:
            with suppress(ServiceError):
                canary = self.watch.read().canary
                unsettled = self.watch.count_workers(CANARY) + self.watch.count_workers(SHADOW)
                if is_promoted:
                    unsettled += self.watch.count_workers(PRODUCTION, is_candidate=False)
                if not unsettled:
                    self.answers = canary.pictures + canary.failures
                    self.times["settled"] = time.monotonic()
                    return True
            time.sleep(POLL_S / 4)
        return False

    def measure(self) -> dict[str, float]:
        """Return the figures of the verdict, the answers of the canary in all, and how long it took.

        `seconds_exposed` is the time from the canary's first answer until no worker asked it any more. The first
        answer may have come right after the last reading without any: the time is counted from there.
        """
        now = self.times.get("settled", time.monotonic())
        seconds = {"seconds": now - self.times["started"]}
        if self.answers:
            seconds["seconds_exposed"] = now - self.times["unexposed"]
        figures = measure(self.counts) | {"canary_requests": self.answers} if self.counts else {}
        return figures | {name: round(value, 2) for name, value in seconds.items()}

    def _watch(self) -> list[str]:
        """Look at the metrics until there is a verdict. Raises `Inconclusive` if there is none."""
        end = time.monotonic() + 60 * self.limits.most_minutes
        while time.monotonic() < end:
            time.sleep(POLL_S)
            if (counts := self._read()) is None:
                continue
            if problems := find_problems(counts, self.limits):
                return problems
            self._require_workers()
            if self._has_enough(counts):
                problems = find_problems(counts, self.limits, at_end=True)
                if problems or self._plan.canary:
                    return problems
                self._start(shadow_only=False)
            self._renew()
        raise Inconclusive(f"Within {self.limits.most_minutes:g} minutes there were too few requests to judge it.")

    def _require_workers(self) -> None:
        """Raise `Inconclusive` if no worker has followed the plan for a while."""
        role = CANARY if self._plan.canary else SHADOW
        if self.watch.count_workers(role) == 0 and time.monotonic() - self.times["stage"] > START_LIMIT_S:
            raise Inconclusive(f"No worker uses it as {role}. Do the services serve {self.model_dir}? See their logs.")

    def _has_enough(self, counts: TrialCounts) -> bool:
        """Return whether the current stage may end."""
        enough = counts.compared >= self.limits.least_readings
        return enough and (not self._plan.canary or counts.canary.pictures >= self.limits.least_answers)

    def _read(self) -> TrialCounts | None:
        """Return the counts, or None if they can't be read just now. Raises `Inconclusive` if that lasts."""
        now = time.monotonic()
        try:
            self.counts = self.watch.read()
        except ServiceError as error:
            if now - self.times["read"] > UNREADABLE_S:
                raise Inconclusive(f"It can't be watched: {error}") from error
            return None
        self.times["read"] = now
        self.answers = self.counts.canary.pictures + self.counts.canary.failures
        if not self.answers:
            self.times["unexposed"] = now
        return self.counts

    def _start(self, shadow_only: bool) -> None:
        """Start a stage of the trial."""
        canary = None if shadow_only else Canary(version=self.version, percent=self.limits.percent)
        self._plan = TrafficPlan(canary=canary, shadow=self.version)
        self.times["stage"] = self.times["unexposed"] = time.monotonic()
        self._renewed = 0.0
        self._renew()
        _say(f"{self.version} {f'answers {canary.percent:g} % of the requests' if canary else 'reads along'}.")

    def _renew(self) -> None:
        """Put the plan into force for another `LEASE`, if half of it is over."""
        if time.monotonic() - self._renewed < LEASE.total_seconds() / 2 and self._renewed:
            return
        self._renewed = time.monotonic()
        write_plan(self.model_dir, self._plan.model_copy(update={"until": datetime.now(UTC) + LEASE}))


@dataclass(frozen=True)
class Outcome:
    """How a trial has ended."""

    verdict: Verdict
    reasons: list[str]  # none if it was promoted
    figures: dict[str, float]
    settled: bool  # no worker tries the candidate any more; if it was promoted, all serve it


def try_candidate(services: Sequence[str], limits: Limits) -> Outcome:
    """Try the candidate, and promote or withdraw it.

    The trial is recorded in MLflow, and in build/pipeline/canary.json. Raises `DigitError` if there is nothing to try,
    or if the services can't be reached at all.
    """
    candidate, production = promote.find_candidate(), registry.find(registry.PRODUCTION)
    if production and candidate.number == production.number:
        raise RegistryError(f"{candidate.version} is in production already.")
    model_dir = get_settings().model_dir
    folder = model_dir / CANARY_FOLDER
    with track("canary") as run:
        run.log_params(limits)
        registry.install(candidate, folder, folder)
        try:
            watch = Watch(services, candidate.version)
            outcome = _conclude(Trial(candidate.version, model_dir, watch, limits, promote.promote), candidate)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        run.log_metrics(**outcome.figures)
        versions = {"version": candidate.version, "replaces": candidate.replaces}
        run.set_tags(**versions, verdict=outcome.verdict, settled=str(outcome.settled))
        run.write_report("canary", versions | asdict(outcome))
    return outcome


def _conclude(trial: Trial, candidate: Registered) -> Outcome:
    """Run a trial and act on its verdict. A candidate that could not be judged remains one."""
    verdict: Verdict = "promoted"
    try:
        if reasons := trial.run():
            verdict = "withdrawn"
            registry.withdraw(candidate)
    except Inconclusive as error:
        verdict, reasons = "inconclusive", [str(error)]
    settled = trial.wait_until_settled(verdict == "promoted")
    return Outcome(verdict, reasons, trial.measure(), settled)


def main(arguments: list[str] | None = None) -> int:
    """Try the candidate; return the exit status."""
    options = _parser().parse_args(arguments)
    services = options.service or get_settings().service
    if not services:
        sys.stderr.write("Name the running service with --service or DIGITS_SERVICE.\n")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the candidate is withdrawn
    try:
        limits = read_params().canary
        if options.percent:
            limits = limits.model_validate(limits.model_dump() | {"percent": options.percent})
        outcome = try_candidate(services, limits)
    except (DigitError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _say(" ".join([f"The candidate is {VERDICTS[outcome.verdict]}.", *outcome.reasons]))
    if not outcome.settled:
        sys.stderr.write("Not all workers are known to have followed: look at their logs.\n")
    return 0 if outcome.verdict == "promoted" else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--service", action="append", help="address of a running service; may be repeated")
    parser.add_argument("--percent", type=float, help="share of the requests (default: of params.yaml)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
