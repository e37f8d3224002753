"""The processor that a measurement ran on: networks in 8 bits are several times as fast on some as on others."""

import platform
from pathlib import Path
from typing import Final

CPUINFO: Final = Path("/proc/cpuinfo")  # Linux only
VNNI: Final = {"avx512_vnni", "avx_vnni"}  # instructions for networks in 8 bits


def find_processor() -> tuple[str, bool]:
    """Return the processor's name, and whether it is known to have VNNI."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    parts = [line.partition(":") for line in lines]
    fields = {name.strip(): value.strip() for name, _, value in parts}  # of the last core; all are alike
    return fields.get("model name", platform.processor()), bool(VNNI & set(fields.get("flags", "").split()))
