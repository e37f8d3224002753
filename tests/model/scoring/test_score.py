"""The command scores what is missing, every picture once, as the service would answer, and says what it did."""

import json
import os
import signal
import subprocess
from itertools import chain
from pathlib import Path

import pytest
from pyarrow import parquet

from src import settings
from src.model.errors import ScoringError
from src.model.scoring.locations import Location, locate
from src.model.scoring.manifest import Options, list_missing, prepare, read_manifest
from src.model.scoring.score_shard import attempt_shard, score_shard
from src.model.scoring.summary import summarise
from tests.app.api.api_client import PREDICT, READ, connect, until
from tests.hostile import with_wrong_tags
from tests.imports import imported_files
from tests.model.scoring.runs import (
    MODEL,
    command,
    make_job,
    make_pictures,
    read_rows,
    run,
    score_here,
    write_folder,
    write_parquet,
)
from tests.pictures import drawn, encoded, mnist, written
from tests.released import VERSION, copy_release
from tests.servers import Server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "in", make_pictures())


def test_results_equal_the_answers_of_the_service(folder: Path, tmp_path: Path, running_service: Server) -> None:
    score_here(folder, tmp_path / "out")
    rows = read_rows(tmp_path / "out")
    assert [row["path"] for row in rows] == sorted(make_pictures())
    with connect(running_service) as client:
        for row in rows:
            answer = client.post(PREDICT, params={"details": True}, files={"file": make_pictures()[row["path"]]}).json()
            if row["problem"]:
                assert answer["type"].endswith(row["problem"])
                assert row["digit"] is row["confidence"] is row["digit_score"] is None
            else:
                assert row["digit"] == answer["prediction"]
                assert row["confidence"] == pytest.approx(answer["confidence"], abs=1e-5)
                assert row["digit_score"] == pytest.approx(answer["digit_score"], abs=1e-5)
                assert row["model"] == answer["model"] == VERSION


def test_numbers_equal_the_answers_of_the_service(tmp_path: Path, running_service: Server) -> None:
    files = {"a.png": encoded(written("2026")), "b.jpg": encoded(written("10", "345"), "JPEG"), "c.png": b"-"}
    score_here(write_folder(tmp_path / "in", files), tmp_path / "out", numbers=True)
    rows = {row["path"]: row for row in read_rows(tmp_path / "out")}
    assert rows["c.png"]["problem"] == "unsupported-format"
    with connect(running_service) as client:
        for path in ("a.png", "b.jpg"):
            answer = client.post(READ, files={"file": files[path]}).json()
            assert rows[path]["number"] == answer["number"]
            assert rows[path]["lines"] == answer["lines"]
            scores = [digit["digit_score"] for digit in answer["digits"]]
            assert rows[path]["digit_score"] == pytest.approx(min(scores), abs=1e-5)
    assert rows["b.jpg"]["lines"] == ["10", "345"]


def test_damaged_pictures_are_rows_with_problems(tmp_path: Path) -> None:
    files = {f"{number}.png": content for number, content in enumerate(with_wrong_tags().values())}
    png = encoded(drawn(3))
    files |= {f"cut-{length}.png": png[:length] for length in range(8, len(png), 97)}
    score_here(write_folder(tmp_path / "in", files), tmp_path / "out", shard_size=1000)
    rows = read_rows(tmp_path / "out")
    assert len(rows) == len(files)
    assert all((row["digit"] is None) == (row["problem"] is not None) for row in rows)
    assert "damaged-picture" in {row["problem"] for row in rows}


def test_slow_picture_is_too_complex_and_the_next_one_is_read(tmp_path: Path) -> None:
    files = {"a.jpg": encoded(drawn(3, (4000, 4000), 200), "JPEG"), "b.png": encoded(mnist(4))}
    job = make_job(write_folder(tmp_path / "in", files), tmp_path / "out")
    job = type(job)(job.input, job.output, job.max_bytes, job.max_pixels, picture_cpu_s=0.001)
    prepare(job, Options(), MODEL)
    score_shard(job, 0)
    assert [(row["problem"], row["digit"]) for row in read_rows(tmp_path / "out")] == [("too-complex", None), (None, 4)]


def test_command_prints_counts_and_does_nothing_the_second_time(folder: Path, tmp_path: Path) -> None:
    arguments = (folder, "--out", tmp_path / "out", "--workers", "2", "--shard-size", "4")
    first = run(*arguments)
    assert first.returncode == 0, first.stderr
    assert "unsupported-format" in first.stdout
    assert f"{'all':<24}{20:>14,}{1:>9.2%}" in first.stdout.splitlines()
    written_at = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")}

    second = run(*arguments)

    assert second.stdout == first.stdout
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")} == written_at


def test_retry_of_a_shard_changes_nothing(folder: Path, tmp_path: Path) -> None:
    score_here(folder, tmp_path / "out")
    before = read_rows(tmp_path / "out")
    (tmp_path / "out" / "shards" / "shard-00002.parquet").unlink()

    manifest, done = score_here(folder, tmp_path / "out")

    assert len(done) == len(manifest.shards) == 5
    assert read_rows(tmp_path / "out") == before
    assert not list_missing(locate(str(tmp_path / "out")), manifest)


@pytest.mark.parametrize(
    ("change", "message"), [("input", "another input"), ("model", "results for network"), ("numbers", "other options")]
)
def test_other_run_can_not_be_continued(folder: Path, tmp_path: Path, change: str, message: str) -> None:
    score_here(folder, tmp_path / "out")
    before = read_rows(tmp_path / "out")
    model = MODEL
    if change == "input":
        (folder / "new.png").write_bytes(b"-")
    elif change == "model":
        copy_release(tmp_path, "99.0.0")
        model = tmp_path / "mnist-99.0.0.json"

    with pytest.raises(ScoringError, match=message):
        prepare(make_job(folder, tmp_path / "out"), Options(shard_size=4, numbers=change == "numbers"), model)
    assert read_rows(tmp_path / "out") == before


def test_output_must_be_a_scoring_folder_outside_the_input(folder: Path, tmp_path: Path) -> None:
    write_folder(tmp_path / "mine", {"thesis.tex": b"-"})
    for output, message in [
        (tmp_path / "mine", "is not a scoring folder: it holds thesis.tex"),
        (folder / "out", "can't be written into the input"),
        (tmp_path / "mine" / "thesis.tex", "is a file"),
    ]:
        with pytest.raises(ScoringError, match=message):
            prepare(make_job(folder, output), None, MODEL)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_errors_are_sentences(tmp_path: Path) -> None:
    result = run(tmp_path / "gone", "--out", tmp_path / "out")
    assert result.returncode == 1
    assert result.stderr.strip() == f"There is no {tmp_path / 'gone'}."


def test_full_disk_is_an_error_and_leaves_no_half_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(folder, tmp_path / "out")
    manifest = prepare(job, Options(shard_size=4), MODEL)

    def fill_disk(_: object, stream: object) -> None:
        stream.write(b"PAR1")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "write_table", fill_disk)
        error = attempt_shard(job, 0)
    assert isinstance(error, ScoringError)
    assert "No space left on device" in str(error)
    assert list((tmp_path / "out" / "shards").iterdir()) == []
    assert score_shard(job, 0).pictures == 4
    assert summarise(locate(job.output), manifest).missing == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_command_says_so_and_continues(tmp_path: Path, number: signal.Signals) -> None:
    pictures = [encoded(mnist(digit)) for digit in range(10)] * 500  # seconds of work: the signal comes before its end
    path = write_parquet(tmp_path / "a.parquet", pictures)
    arguments = command(path, "--out", tmp_path / "out", "--workers", "2", "--shard-size", "20")
    with subprocess.Popen(
        arguments, cwd=settings.ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        until(lambda: bool(list((tmp_path / "out").glob("shards/shard-*"))) or process.poll() is not None)
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        errors = process.communicate()[1]
    assert "Stopped. What is done is kept" in errors
    assert process.returncode == 130

    assert run(path, "--out", tmp_path / "out", "--workers", "2", "--shard-size", "20").returncode == 0
    assert [row["path"] for row in read_rows(tmp_path / "out")] == [f"a.parquet#{row}" for row in range(len(pictures))]


def test_store_is_input_and_output(tmp_path: Path) -> None:
    """fsspec's store in memory takes the place of S3 and GCS, whose file systems have the same methods."""
    store = locate("memory://archive")
    for name, content in make_pictures().items():
        (store / "in" / name).write(content)

    manifest, done = score_here("memory://archive/in", "memory://archive/out")

    assert sum(shard.pictures for shard in done) == manifest.pictures == 20
    assert summarise(store / "out", manifest).pictures == 20
    assert read_manifest(store / "out") == manifest
    assert not [entry for entry in (store / "out" / "shards").list() if entry.name.endswith(".part")]
    score_here(write_folder(tmp_path / "in", make_pictures()), tmp_path / "out")
    stored = [parquet.read_table(_open(store, shard.number)).to_pylist() for shard in done]
    assert list(chain.from_iterable(stored)) == read_rows(tmp_path / "out")


def _open(store: Location, number: int) -> object:
    return store.files.open_input_file((store / "out" / "shards" / f"shard-{number:05}.parquet").path)


def test_scoring_reads_no_file_that_needs_torch_or_the_service() -> None:
    files = imported_files("src/model/score.py")
    assert not {file for file in files if file.startswith(("src/app", "src/model/training", "src/model/data"))}
    code = "import sys, src.model.score; sys.exit('torch' in sys.modules or 'ray' in sys.modules)"
    assert subprocess.run([command()[0], "-c", code], cwd=settings.ROOT, check=False).returncode == 0


def test_manifest_names_input_shards_and_network(folder: Path, tmp_path: Path) -> None:
    score_here(folder, tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["pictures"] == 20
    assert manifest["model"]["version"] == VERSION
    assert [shard["stop"] for shard in manifest["shards"]] == [4, 8, 12, 16, 20]
    assert {len(manifest["input_sha256"]), len(manifest["model"]["sha256"])} == {64}
