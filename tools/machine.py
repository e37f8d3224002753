"""The machine that a measurement ran on, for the files under docs/results."""

import os
import platform
from importlib.metadata import version

from src.model.evaluation.processor import find_processor


def describe_machine(*libraries: str) -> dict[str, object]:
    """Return the machine, its load, and the versions of `libraries`."""
    processor, has_vnni = find_processor()
    return {
        "processor": processor,
        "vnni": has_vnni,
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
    }
