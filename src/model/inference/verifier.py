"""The verifier: a small network that says whether a candidate is one whole digit, seeing what surrounds it.

The digit network sees a candidate alone, and half a 0 looks like a 1. `src/model/training/train_verifier.py` trains the
verifier; its weights lie beside this module because they belong to the segmentation's code, not to a release.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.model.inference.runtime import open_session

WEIGHTS: Final = Path(__file__).with_name("verifier.onnx")


class Verifier:
    """The network in ONNX Runtime."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._session = open_session(weights)

    def log_odds(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds, [N], that candidates are whole digits; their contexts are [N, 2, 24, 36] in 0..1."""
        inputs = {"contexts": contexts}
        return np.asarray(self._session.run(["log_odds"], inputs)[0], np.float64).reshape(-1)


@lru_cache(maxsize=1)
def get_verifier() -> Verifier:
    """Return the shipped verifier, opened once."""
    return Verifier()
