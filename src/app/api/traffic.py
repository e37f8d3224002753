"""Chooses the network that answers a request: the one in production, the canary for its share, or the one requested.

The plan is the file beside the models (`src/model/inference/traffic_plan.py`), or else the settings. A canary loses no
request: production answers where it fails.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from src.app.api.core.logs import request_id
from src.app.api.core.metrics import Metrics
from src.app.api.core.problems import ApiProblem
from src.app.api.model_repository import ModelRepository
from src.app.api.networks import CheckedRuntime, MeasuredRuntime, Network
from src.app.api.shadow import Shadow
from src.model.errors import ArtefactError, PictureError
from src.model.inference.predictor import Prediction, Predictor
from src.model.inference.traffic_plan import (
    CANARY,
    PRODUCTION,
    REQUESTED,
    SHADOW,
    TrafficPlan,
    is_for_canary,
    read_plan,
)
from src.settings import Canary, Settings

T = TypeVar("T")

SLOW_S: Final = 0.25  # of processor time for a picture: a canary that takes longer would hold up all other requests

log = logging.getLogger(__name__)


class Traffic:
    """Divides the requests among the networks. `refresh` may run in a thread."""

    def __init__(self, settings: Settings, repository: ModelRepository, metrics: Metrics) -> None:
        self._settings = settings
        self._repository = repository
        self._metrics = metrics
        self._production: tuple[Predictor, Network] | None = None  # as the repository has it, and measured
        self._canary: tuple[Canary, Network] | None = None
        self._too_slow: Canary | None = None  # not used again until the plan has another
        self._failed: Network | None = None  # the canary whose failure was logged
        self._shadow = Shadow(metrics)
        self._reported: dict[str, str] = {}  # what was logged last, by what is wrong

    async def choose(self, version: str | None) -> Network:
        """Return the network for the current request. Raises `ApiProblem` if there is none."""
        if version is not None:
            return Network(await self._repository.predictor(version), REQUESTED)
        if (canary := self._canary) and is_for_canary(canary[0], request_id.get()):
            return canary[1]
        return self.find_production()

    def find_production(self) -> Network:
        """Return the network in production. Raises `ApiProblem` if there is none."""
        serving = self._repository.serving()
        if self._production is None or self._production[0] is not serving:
            version = serving.description.version
            runtime = MeasuredRuntime(serving.runtime, self._metrics.network_seconds(version, PRODUCTION))
            self._production = serving, Network(serving.with_runtime(runtime), PRODUCTION)
            self._metrics.assign(PRODUCTION, version)
        return self._production[1]

    async def answer(self, network: Network, work: Callable[[Network], Awaitable[T]]) -> T:
        """Return `work(network)`; if the network is a canary and fails, `work` of the one in production."""
        try:
            return await work(network)
        except (PictureError, ApiProblem):
            raise
        except Exception:  # the runtime's errors have no common base class
            if network.role != CANARY:
                raise
            self._metrics.failure(network.version, CANARY, "error")
            if network is not self._failed:
                log.warning("The canary %s fails. Further failures are only counted.", network.version, exc_info=True)
                self._failed = network
        return await work(self.find_production())

    def record(self, network: Network, prediction: Prediction) -> None:
        """Count a prediction, and let the shadow read the picture that production has answered for."""
        self._metrics.answer(prediction, network.version, network.role)
        if network.role == PRODUCTION:
            self._shadow.offer(prediction, network)

    def refresh(self) -> None:
        """Follow the plan: open its networks, or let go of those that it no longer has."""
        with suppress(ApiProblem):
            self.find_production()
        plan = self._read_plan()
        self._refresh_canary(plan.canary)
        self._refresh_shadow(plan.shadow)

    def close(self) -> None:
        """Stop reading in the shadow."""
        self._shadow.close()

    def _read_plan(self) -> TrafficPlan:
        """Return the plan in force. One that is invalid or has expired is empty."""
        try:
            plan = read_plan(self._settings.model_dir)
        except ArtefactError as error:
            self._report("plan", f"No canary and no shadow: {error}")
            return TrafficPlan()
        self._reported.pop("plan", None)
        if plan is None:
            return TrafficPlan(canary=self._settings.canary, shadow=self._settings.shadow)
        return TrafficPlan() if plan.has_expired() else plan

    def _refresh_canary(self, share: Canary | None) -> None:
        if share != self._too_slow:
            self._too_slow = None
        before = self._canary
        network = None
        if share and share != self._too_slow:
            network = self._keep_or_open(before and before[1], share.version, CANARY)
        self._canary = (share, network) if share and network else None
        if share and network and share != (before and before[0]):
            log.info("Network %s answers %g %% of the requests from now on.", share.version, share.percent)
        elif before and not network:
            log.info("The canary %s answers no requests from now on.", before[0].version)
        self._metrics.assign(CANARY, network.version if network else None)

    def _refresh_shadow(self, version: str | None) -> None:
        before = self._shadow.network
        network = self._keep_or_open(before, version, SHADOW)
        if network is not before:
            self._shadow.use(network)
        self._metrics.assign(SHADOW, network.version if network else None)

    def _keep_or_open(self, before: Network | None, version: str | None, role: str) -> Network | None:
        """Return the network `version` in its role: `before`, if it is that one."""
        if version is None:
            self._reported.pop(role, None)
            return None
        if self._repository.is_serving(version):
            self._report(role, f"The {role} {version} is ignored. It is in production.")
            return None
        return before if before and before.version == version else self._open(version, role)

    def _open(self, version: str, role: str) -> Network | None:
        """Return the network in its role; None if it can't be opened, which is logged once."""
        try:
            predictor = self._repository.open(version)
        except ApiProblem as problem:
            self._report(role, f"The {role} {version} is ignored. {problem}")
            return None
        self._reported.pop(role, None)
        observe = self._metrics.network_seconds(version, role)
        if role == CANARY:
            observe = self._limit(observe, version)
        return Network(predictor.with_runtime(CheckedRuntime(predictor.runtime, observe)), role)

    def _limit(self, observe: Callable[[float], None], version: str) -> Callable[[float], None]:
        """Return a function that also withdraws the canary from this worker if it is far too slow."""

        def observe_and_limit(seconds: float) -> None:
            observe(seconds)
            if seconds > SLOW_S and (canary := self._canary) and canary[1].version == version:
                self._canary, self._too_slow = None, canary[0]
                self._metrics.failure(version, CANARY, "slow")
                self._metrics.assign(CANARY, None)
                log.error("The canary %s takes %.2g s for a picture, and answers no longer.", version, seconds)

        return observe_and_limit

    def _report(self, subject: str, text: str) -> None:
        """Log what is wrong, unless that was logged already."""
        if self._reported.get(subject) != text:
            self._reported[subject] = text
            log.warning("%s", text)
