"""Try the registry's candidate on live traffic, then promote it or withdraw it.

python -m src.model.pipeline.canary --service http://127.0.0.1:8000       or DIGITS_SERVICE

The candidate first reads as a shadow what production answers, then it also answers a share of the requests. Meanwhile
the metrics of all services named are watched. A candidate that breaks a rule of `canary_rules.py` is withdrawn at once;
so is one that can't be watched, or that gets too few requests to be judged. If this program dies, the services withdraw
the candidate themselves within `LEASE`. Exits with 1 if the candidate was withdrawn.
"""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from src.model.errors import DigitError
from src.model.inference.traffic_plan import CANARY, CANARY_FOLDER, SHADOW, TrafficPlan, remove_plan, write_plan
from src.model.params import Canary as Limits
from src.model.params import read_params
from src.model.pipeline import promote, registry
from src.model.pipeline.canary_metrics import ServiceError, TrialCounts, Watch
from src.model.pipeline.canary_rules import find_problems, measure
from src.model.pipeline.tracking import StageRun, track
from src.settings import Canary, get_settings

POLL_S: Final = 2.0
LEASE: Final = timedelta(seconds=60)  # how long the services follow the plan if nobody renews it
UNREADABLE_S: Final = 20.0  # how long the metrics may be unreadable
START_LIMIT_S: Final = 60.0  # until a worker must use the candidate
STOP_LIMIT_S: Final = 120.0  # until all workers must have let go of the candidate


@dataclass
class Trial:
    """A candidate on the services that serve `model_dir`."""

    version: str
    model_dir: Path
    watch: Watch
    limits: Limits
    counts: TrialCounts | None = None  # at the last reading
    answers: float = 0.0  # of the canary, and requests on which it failed
    times: dict[str, float] = field(default_factory=dict)  # of what has happened, in seconds on the monotonic clock
    _plan: TrafficPlan = field(default_factory=TrafficPlan)
    _renewed: float = 0.0

    def run(self) -> list[str]:
        """Return the reasons why the candidate must be withdrawn; none if it may be promoted."""
        self.times["started"] = self.times["read"] = time.monotonic()
        self.counts = self.watch.read()  # counts from here
        try:
            self._start(shadow_only=self.limits.least_readings > 0)
            return self._watch()
        except ServiceError as error:
            return [str(error)]
        finally:
            remove_plan(self.model_dir)

    def wait_until_stopped(self) -> bool:
        """Wait until all workers have let go of the candidate; return whether they have."""
        deadline = time.monotonic() + STOP_LIMIT_S
        while time.monotonic() < deadline:
            with suppress(ServiceError):
                canary = self.watch.read().canary
                if not self.watch.count_workers(CANARY) + self.watch.count_workers(SHADOW):
                    self.answers = canary.pictures + canary.failures
                    self.times["stopped"] = time.monotonic()
                    return True
            time.sleep(POLL_S / 4)
        return False

    def measure(self) -> dict[str, float]:
        """Return the figures of the verdict, the answers of the canary in all, and how long it took.

        `seconds_exposed` is the time from the canary's first answer until all workers had let go of it. The first
        answer may have come right after the last reading without any: the time is counted from there.
        """
        now = self.times.get("stopped", time.monotonic())
        seconds = {"seconds": now - self.times["started"]}
        if self.answers:
            seconds["seconds_exposed"] = now - self.times["unexposed"]
        figures = measure(self.counts) | {"canary_requests": self.answers} if self.counts else {}
        return figures | {name: round(value, 2) for name, value in seconds.items()}

    def _watch(self) -> list[str]:
        """Look at the metrics until there is a verdict."""
        end = time.monotonic() + 60 * self.limits.most_minutes
        while time.monotonic() < end:
            time.sleep(POLL_S)
            if (counts := self._read()) is None:
                continue
            if problems := find_problems(counts, self.limits) or self._find_idle():
                return problems
            if self._has_enough(counts):
                problems = find_problems(counts, self.limits, at_end=True)
                if problems or self._plan.canary:
                    return problems
                self._start(shadow_only=False)
            self._renew()
        return [f"Within {self.limits.most_minutes:g} minutes there were too few requests to judge it."]

    def _find_idle(self) -> list[str]:
        """Return the reason if no worker has followed the plan."""
        role = CANARY if self._plan.canary else SHADOW
        if self.watch.count_workers(role) or time.monotonic() - self.times["stage"] < START_LIMIT_S:
            return []
        return [f"No worker uses it as {role}: do the services serve {self.model_dir}? Their logs say more."]

    def _has_enough(self, counts: TrialCounts) -> bool:
        """Return whether the current stage may end."""
        enough = counts.compared >= self.limits.least_readings
        return enough and (not self._plan.canary or counts.canary.pictures >= self.limits.least_answers)

    def _read(self) -> TrialCounts | None:
        """Return the counts, or None if they can't be read just now. Raises `ServiceError` if that lasts."""
        now = time.monotonic()
        try:
            self.counts = self.watch.read()
        except ServiceError:
            if now - self.times["read"] > UNREADABLE_S:
                raise
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
        _say(
            f"{self.version} answers {canary.percent:g} % of the requests."
            if canary
            else f"{self.version} reads along."
        )

    def _renew(self) -> None:
        """Put the plan into force for another `LEASE`, if half of it is over."""
        if time.monotonic() - self._renewed < LEASE.total_seconds() / 2 and self._renewed:
            return
        self._renewed = time.monotonic()
        write_plan(self.model_dir, self._plan.model_copy(update={"until": datetime.now(UTC) + LEASE}))


def try_candidate(services: Sequence[str], limits: Limits) -> list[str]:
    """Try the candidate, and promote it if it keeps the limits; return the reasons if it was withdrawn.

    The trial is recorded in MLflow, and in build/pipeline/canary.json. Raises `DigitError` if there is nothing to try,
    or if the services can't be reached at all.
    """
    candidate, production = promote.find_candidate(), registry.find(registry.PRODUCTION)
    if production and candidate.number == production.number:
        raise registry.RegistryError(f"{candidate.version} is in production already.")
    model_dir = get_settings().model_dir
    folder = model_dir / CANARY_FOLDER
    with track("canary") as run:
        run.log_params(limits)
        registry.install(candidate, folder, folder)
        trial = Trial(candidate.version, model_dir, Watch(services, candidate.version), limits)
        try:
            problems = trial.run()
            if not problems:
                promote.promote()
            stopped = trial.wait_until_stopped()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        _record(run, candidate, trial, problems, stopped)
    return problems


def _record(run: StageRun, candidate: registry.Registered, trial: Trial, problems: list[str], stopped: bool) -> None:
    """Record the verdict with the figures it rests on."""
    verdict = "withdrawn" if problems else "promoted"
    figures = trial.measure()
    run.log_metrics(**figures)
    run.set_tags(version=candidate.version, replaces=candidate.replaces, verdict=verdict, stopped=str(stopped))
    content = {"version": candidate.version, "replaces": candidate.replaces, "verdict": verdict, "stopped": stopped}
    run.write_report("canary", content | {"problems": problems, "figures": figures})
    if not stopped:
        sys.stderr.write(f"Not all workers have let go of {candidate.version}: look at their logs.\n")


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
        problems = try_candidate(services, limits)
    except (DigitError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _say(" ".join(["The candidate is withdrawn.", *problems]) if problems else "The candidate is in production.")
    return 1 if problems else 0


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
