"""Inputs for offline scoring, and how to run it and read its results."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from src.launcher import clean_environment
from src.model.inference.artefact import find_newest
from src.model.scoring.manifest import Job, Manifest, Options, prepare
from src.model.scoring.score_shard import Done, score_shard
from src.settings import ROOT
from tests.pictures import MAX_PIXELS, drawn, encoded, mnist

MODEL = find_newest(ROOT / "model")
MAX_BYTES = 10_000_000


def make_pictures() -> dict[str, bytes]:
    """Return twenty files by their paths: MNIST digits, drawings, and three that can't be read."""
    digits = {f"mnist/{digit}.png": encoded(mnist(digit)) for digit in range(10)}
    drawings = {f"drawn/{digit}.jpg": encoded(drawn(digit), "JPEG") for digit in range(7)}
    bad = {"bad/empty.png": b"", "bad/text.png": b"no picture", "bad/blank.png": encoded(drawn(1).point(lambda _: 255))}
    return digits | drawings | bad


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder, and return it."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_parquet(file: Path, pictures: Sequence[bytes | None], group: int = 1_000_000, **columns: Any) -> Path:
    """Write pictures to a column `image`, in row groups of `group` rows."""
    table = pyarrow.table({"image": pyarrow.array(pictures, pyarrow.binary()), **columns})
    parquet.write_table(table, file, row_group_size=group)
    return file


def make_job(source: Path | str, output: Path | str) -> Job:
    """Return a job with the default limits."""
    return Job(str(source), str(output), MAX_BYTES, MAX_PIXELS, picture_cpu_s=2)


def score_here(source: Path | str, output: Path | str, **options: Any) -> tuple[Manifest, list[Done]]:
    """Score all shards in this process, four pictures each unless `options` say otherwise."""
    job = make_job(source, output)
    manifest = prepare(job, Options(**({"shard_size": 4} | options)), MODEL)
    return manifest, [score_shard(job, number) for number in range(len(manifest.shards))]


def read_rows(output: Path) -> list[dict[str, Any]]:
    """Return all rows, in order."""
    rows: list[dict[str, Any]] = []
    for path in sorted((output / "shards").glob("*.parquet")):
        rows += parquet.read_table(path).to_pylist()
    return rows


def command(*arguments: str | Path) -> list[str]:
    """Return the command that scores."""
    return [sys.executable, "-m", "src.model.score", *map(str, arguments)]


def run(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    environment = clean_environment(**settings)
    return subprocess.run(
        command(*arguments), cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
