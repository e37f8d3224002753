"""The launcher for a Kubernetes Indexed Job: each of its pods scores its share of the shards in processes.

Pod 0 makes the scoring folder; the others wait for it.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from src.model.errors import ScoringError
from src.model.scoring.locations import locate
from src.model.scoring.manifest import MANIFEST, Job, Manifest, Options, check, prepare, read_manifest

WAIT_S: Final = 1800.0  # for pod 0: to list a hundred million files takes that long
POLL_S: Final = 2.0


def prepare_share(job: Job, options: Options | None, model: Path, index: int) -> Manifest:
    """Return the manifest; pod 0 makes it, the others wait for it. Raises as `prepare` does."""
    if index == 0:
        return prepare(job, options, model)
    output = locate(job.output)
    deadline = time.monotonic() + WAIT_S
    while not (output / MANIFEST).exists():
        if time.monotonic() > deadline:
            raise ScoringError(f"Pod 0 has made no {output / MANIFEST} in {WAIT_S / 60:.0f} minutes: see its log.")
        time.sleep(POLL_S)
    manifest = read_manifest(output)
    check(manifest, options, model, output)
    return manifest


def choose_share(shards: Sequence[int], index: int, shares: int) -> list[int]:
    """Return every `shares`-th of all shards, beginning with `index`. Raises `ScoringError`."""
    if not 0 <= index < shares:
        raise ScoringError(f"There is no share {index} of {shares}: the index of a pod must be below SCORE_SHARES.")
    return [shard for shard in shards if shard % shares == index]
