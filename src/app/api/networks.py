"""Networks in their roles: the time that each takes is measured, and those on trial are checked."""

from collections.abc import Callable
from dataclasses import dataclass
from time import thread_time

import numpy as np

from src.model.inference.predictor import Predictor
from src.model.inference.runtime import Images, Logits, Runtime


@dataclass(frozen=True)
class Network:
    """A network that answers or reads in a role."""

    predictor: Predictor
    role: str

    @property
    def version(self) -> str:
        """Its version."""
        return self.predictor.description.version


class MeasuredRuntime:
    """Reports the processor time of each pass.

    Processor time, because a thread also waits for others: with it, networks that run in different threads, or on a
    busy machine, can be compared.
    """

    def __init__(self, runtime: Runtime, observe: Callable[[float], None]) -> None:
        self._runtime = runtime
        self._observe = observe  # called with the seconds for one picture

    def logits(self, images: Images) -> Logits:
        """Return the network's logits [N, 10] for images [N, 1, 28, 28]."""
        started = thread_time()
        logits = self._runtime.logits(images)
        self._observe((thread_time() - started) / len(images))
        return logits


class CheckedRuntime(MeasuredRuntime):
    """Also refuses logits that would lead to no answer."""

    def logits(self, images: Images) -> Logits:
        """Return logits [N, 10], all of them finite. Raises RuntimeError if the network gives anything else."""
        logits = super().logits(images)
        if logits.shape != (len(images), 10) or not np.isfinite(logits).all():
            raise RuntimeError("The network's output is not ten finite logits for each picture.")
        return logits
