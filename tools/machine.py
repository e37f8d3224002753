"""The machine that a measurement ran on, for the files under docs/results."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def describe_machine(*libraries: str) -> dict[str, object]:
    """Return the machine, its load, and the versions of `libraries`."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line for line in lines if line.startswith("model name")]
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    return {
        "processor": models[0].partition(": ")[2] if models else platform.processor(),
        "vnni": bool({"avx512_vnni", "avx_vnni"} & set(flags)),  # instructions for networks in 8 bits
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
    }
