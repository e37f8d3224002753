"""A process that scores stays below 400 MB: with the largest pictures of every format, hostile ones and large files."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import numpy as np
import psutil
import pytest

from src.model.scoring.manifest import Options, prepare
from src.model.scoring.processes import run_in_processes
from tests.app.api.process_tree import Worst
from tests.hostile import busy_pictures, largest_pictures, noise, png_with_texts, webp_specks
from tests.model.scoring.runs import MODEL, make_job, read_rows, write_folder, write_parquet
from tests.model.scoring.test_processes import workers
from tests.pictures import encoded

LIMIT_MB = 400

pytestmark = pytest.mark.load


@contextmanager
def limited_memory(worst: Worst) -> Iterator[None]:
    """Fail if a worker process takes more than the limit inside the block."""
    peak, ended = [0.0], Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for worker in workers(psutil.Process()):
                with suppress(psutil.Error):
                    peak[0] = max(peak[0], worker.memory_info().rss / 2**20)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    worst.note("MB of a process that scores", peak[0])
    assert 50 < peak[0] < LIMIT_MB


def score(source: Path, output: Path, **options: bool) -> list[str | None]:
    """Score in one process, and return the problems."""
    job = make_job(source, output)
    manifest = prepare(job, Options(shard_size=10, **options), MODEL)
    list(run_in_processes(job, range(len(manifest.shards)), workers=1))
    return [row["problem"] for row in read_rows(output)]


@pytest.mark.parametrize("numbers", [False, True], ids=["digits", "numbers"])
def test_largest_and_hostile_pictures(tmp_path: Path, worst: Worst, numbers: bool) -> None:
    pictures = [
        *largest_pictures(),
        *(encoded(picture) for picture in busy_pictures(1000)),
        png_with_texts(100),
        webp_specks(),
    ]
    pictures += [encoded(noise(5000)), encoded(noise(1000, 3))]
    source = write_folder(tmp_path / "in", {f"{number:03}.png": data for number, data in enumerate(pictures)})
    with limited_memory(worst):
        problems = score(source, tmp_path / "out", numbers=numbers)
    assert len(problems) == len(pictures)
    assert None in problems


def test_parquet_of_large_photos(tmp_path: Path, worst: Worst) -> None:
    photo = np.random.default_rng(0).integers(0, 256, 5_000_000, np.uint8).tobytes()
    source = write_parquet(tmp_path / "a.parquet", [photo[number:] for number in range(80)], group=3)
    with limited_memory(worst):
        assert score(source, tmp_path / "out") == ["unsupported-format"] * 80
