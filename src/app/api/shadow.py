"""The shadow: a network that reads what production has answered, to be compared with it, and never answers itself.

One thread of each worker reads the pictures, a few at a time. It takes at most `SHARE` of a core, however slow the
network is, and holds Python's lock for a fraction of a millisecond at once: requests don't wait for it. What it has no
time for is dropped.
"""

import logging
from collections import deque
from threading import Event, Thread
from time import thread_time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.app.api.core.metrics import Metrics
from src.app.api.networks import Network
from src.model.inference.predictor import Prediction
from src.model.inference.traffic_plan import SHADOW
from src.model.preprocessing.preprocess import SIDE, Framed

log = logging.getLogger(__name__)

QUEUE: Final = 256  # pictures, of 3 kB each
BATCH: Final = 16  # pictures that pass through the network at once
SHARE: Final = 0.1  # of a core
IDLE_S: Final = 0.2  # between looks at an empty queue
CLOSE_S: Final = 1.0


class Shadow:
    """Reads pictures in a thread, while there is a network for it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._pictures: deque[tuple[NDArray[np.float32], int]] = deque()  # framed, with production's answer
        self._closing = Event()
        self._thread: Thread | None = None
        self._failed: Network | None = None  # whose failure was logged
        self.network: Network | None = None

    def use(self, network: Network | None) -> None:
        """Read with `network` from now on; None: read nothing."""
        self.network = network
        self._pictures.clear()
        if network and self._thread is None:
            self._thread = Thread(target=self._run, name="shadow", daemon=True)
            self._thread.start()

    def offer(self, prediction: Prediction, answered: Network) -> None:
        """Keep a picture that `answered` has read for the shadow, or drop it; returns at once."""
        if (network := self.network) is None:
            return
        if len(self._pictures) >= QUEUE:
            self._metrics.drop_shadow(network.version)
            return
        pixels, permutation = prediction.pixels, answered.predictor.description.permutation
        if permutation is not None:  # they are shown as the other network sees them
            pixels = pixels.reshape(-1)[np.argsort(permutation)].reshape(SIDE, SIDE)
        self._pictures.append((pixels, prediction.prediction))

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        if self._thread:
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        """Read until the service stops."""
        pause = IDLE_S
        while not self._closing.wait(pause):
            started = thread_time()
            any_read = self._read_some()
            pause = (thread_time() - started) * (1 / SHARE - 1) if any_read else IDLE_S

    def _read_some(self) -> bool:
        """Read a few pictures; return whether there were any."""
        network, pictures = self.network, self._take()
        if network is None or not pictures:
            return False
        try:
            predictions = network.predictor.predict_batch([(Framed(pixels, 1),) for pixels, _ in pictures])
        except Exception:  # the runtime's errors have no common base class
            self._metrics.failure(network.version, SHADOW, "error")
            if network is not self._failed:
                log.warning("The shadow %s fails. Further failures are only counted.", network.version, exc_info=True)
                self._failed = network
            return True
        for prediction, (_, answer) in zip(predictions, pictures, strict=True):
            self._metrics.shadow(prediction, network.version, prediction.prediction == answer)
        return True

    def _take(self) -> list[tuple[NDArray[np.float32], int]]:
        """Return the next pictures; a change of the network may empty the queue meanwhile."""
        pictures: list[tuple[NDArray[np.float32], int]] = []
        try:
            while len(pictures) < BATCH:
                pictures.append(self._pictures.popleft())
        except IndexError:
            pass
        return pictures
