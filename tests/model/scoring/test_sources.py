"""Every kind of input gives its pictures, once each, in a stable order, from whatever range is asked for."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pyarrow
import pytest

from src.model.errors import ScoringError
from src.model.scoring.locations import locate
from src.model.scoring.sources.base import Picture, Plan, Source
from src.model.scoring.sources.detect import Reading, open_source, reopen_source
from src.model.scoring.sources.parquet import ROWS
from tests.model.scoring.runs import make_pictures, write_folder, write_parquet
from tests.pictures import MAX_PIXELS, all_mnist

READING = Reading(column=None, max_bytes=100_000, max_pixels=MAX_PIXELS)


def read_all(path: Path | str, paths: Path, size: int = 4, reading: Reading = READING) -> tuple[Plan, list[Picture]]:
    """Return the plan for an input and all its pictures, read as a worker does."""
    source: Source = open_source(locate(str(path)), reading)
    listing = locate(str(paths / "paths.parquet"))
    plan = source.plan(size, listing)
    source = reopen_source(locate(str(path)), source.kind, reading)
    return plan, [picture for shard in plan.shards for picture in source.read(shard, listing)]


def write_idx(path: Path, images: np.ndarray) -> Path:
    header = struct.pack(">4sIII", b"\0\0\x08\x03", *images.shape)
    content = header + images.tobytes()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def test_folder_gives_all_pictures_below_it_by_name(tmp_path: Path) -> None:
    files = make_pictures()
    folder = write_folder(
        tmp_path / "in", files | {"mnist/notes.md": b"-", ".hidden/1.png": b"-", "mnist/.2.png": b"-"}
    )

    plan, pictures = read_all(folder, tmp_path)

    assert [picture.path for picture in pictures] == sorted(files)
    assert {picture.path: picture.data for picture in pictures} == files
    assert plan.pictures == len(files)
    assert [shard.stop - shard.start for shard in plan.shards] == [4, 4, 4, 4, 4]


def test_list_names_pictures_relative_to_itself_absolutely_or_by_url(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "in", {"a/1.png": b"1", "b.png": b"2", "c.png": b"3"})
    listed = ["b.png", str(folder / "a" / "1.png"), f"file://{folder}/c.png", "gone.png", "a"]
    (folder / "list.txt").write_text("\n".join(listed) + "\n\n")

    _, pictures = read_all(folder / "list.txt", tmp_path)

    assert [picture.path for picture in pictures] == listed
    assert [picture.data for picture in pictures] == [b"2", b"1", b"3", b"", b""]
    assert [picture.problem for picture in pictures] == [None, None, None, "missing-picture", "missing-picture"]


def test_single_picture_is_an_input(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"4.png": b"four", "5.png": b"five"})
    assert read_all(folder / "4.png", tmp_path)[1] == [Picture("4.png", b"four")]


def test_pipe_and_large_file_become_problems(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "in", {"large.png": bytes(READING.max_bytes + 1), "ok.png": b"-"})
    os.mkfifo(folder / "pipe.png")
    (folder / "list.txt").write_text("large.png\npipe.png\nok.png")

    _, pictures = read_all(folder / "list.txt", tmp_path)

    assert [picture.problem for picture in pictures] == ["file-too-large", "missing-picture", None]


@pytest.mark.parametrize("name", ["digits-idx3-ubyte", "digits-idx3-ubyte.gz"])
def test_idx_gives_its_pictures_as_png(tmp_path: Path, name: str) -> None:
    images = all_mnist()[0][:10]
    plan, pictures = read_all(write_idx(tmp_path / name, images), tmp_path)
    assert [picture.path for picture in pictures] == [f"{name}#{number}" for number in range(10)]
    assert [picture.data[:4] for picture in pictures] == [b"\x89PNG"] * 10
    assert plan.digest == read_all(write_idx(tmp_path / "again.gz", images), tmp_path)[0].digest


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (struct.pack(">4sIII", b"\0\0\x08\x03", 3, 28, 28) + bytes(28 * 28), "3 pictures of 28x28"),
        (struct.pack(">4sIII", b"\0\0\x08\x03", 0, 28, 28), "not an IDX file of pictures"),
        (gzip.compress(struct.pack(">4sI", b"\0\0\x08\x01", 8) + bytes(8), mtime=0), "not an IDX file of pictures"),
        (struct.pack(">4sIII", b"\0\0\x08\x03", 1, 1 << 16, 1 << 16), "pixels"),
    ],
)
def test_wrong_idx_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "digits").write_bytes(content)
    with pytest.raises(ScoringError, match=message):
        read_all(tmp_path / "digits", tmp_path)


@pytest.mark.parametrize("group", [3, 10, 1000])
@pytest.mark.parametrize("size", [4, ROWS + 1, 1000])
def test_parquet_gives_each_row_once_whatever_its_row_groups(tmp_path: Path, group: int, size: int) -> None:
    rows = [str(number).encode() for number in range(3 * ROWS)]
    path = write_parquet(tmp_path / "digits.parquet", rows, group)

    plan, pictures = read_all(path, tmp_path, size)

    assert [picture.data for picture in pictures] == rows
    assert [picture.path for picture in pictures] == [f"digits.parquet#{number}" for number in range(len(rows))]
    assert plan.pictures == len(rows)


def test_rows_of_a_shard_can_be_chosen(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "digits.parquet", [str(number).encode() for number in range(40)])
    source = open_source(locate(str(path)), READING)
    shard = source.plan(30, None).shards[1]
    pictures = source.read(shard, locate(str(tmp_path)), {0, 9})
    assert [picture.data for picture in pictures] == [b"30", b"39"]


def test_folder_of_parquet_files_is_one_input(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "more").mkdir(parents=True)
    write_parquet(folder / "b.parquet", [b"1", b"2"], path=["one", None])
    write_parquet(folder / "more" / "a.parquet", [None, bytes(READING.max_bytes + 1)])

    _, pictures = read_all(folder, tmp_path)

    assert [picture.path for picture in pictures] == ["one", "b.parquet#1", "more/a.parquet#0", "more/a.parquet#1"]
    assert [picture.problem for picture in pictures] == [None, None, "missing-picture", "file-too-large"]


def test_structures_with_bytes_and_path_are_read(tmp_path: Path) -> None:
    """As Hugging Face's datasets write pictures."""
    values = [{"bytes": b"1", "path": "one.png"}, {"bytes": b"2", "path": None}, None]
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    pyarrow.parquet.write_table(pyarrow.table({"img": pyarrow.array(values, kind)}), tmp_path / "a.parquet")

    _, pictures = read_all(tmp_path / "a.parquet", tmp_path)

    assert pictures == [
        Picture("one.png", b"1"),
        Picture("a.parquet#1", b"2"),
        Picture("a.parquet#2", b"", "missing-picture"),
    ]


def test_column_must_be_named_if_there_are_several(tmp_path: Path) -> None:
    table = pyarrow.table({"front": [b"1"], "back": [b"2"], "label": [1]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")

    with pytest.raises(ScoringError, match="--column; there are: front, back"):
        read_all(tmp_path / "a.parquet", tmp_path)
    with pytest.raises(ScoringError, match="no column 'label' of pictures"):
        read_all(tmp_path / "a.parquet", tmp_path, reading=Reading("label", 10, 10))
    _, pictures = read_all(tmp_path / "a.parquet", tmp_path, reading=Reading("back", 10, 10))
    assert [picture.data for picture in pictures] == [b"2"]


def test_parquet_whose_pages_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    photos = [bytes([number]) + os.urandom(1_000_000) for number in range(40)]
    with pytest.raises(ScoringError, match=r"row groups of 40 rows.*row_group_size=15"):
        read_all(write_parquet(tmp_path / "a.parquet", photos), tmp_path)
    assert read_all(write_parquet(tmp_path / "a.parquet", photos, group=15), tmp_path)[0].pictures == 40


def test_changed_input_has_another_digest(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "in", {"1.png": b"one", "2.png": b"two"})
    first = read_all(folder, tmp_path)[0].digest
    assert read_all(folder, tmp_path, size=1)[0].digest == first
    (folder / "1.png").write_bytes(b"longer")
    second = read_all(folder, tmp_path)[0].digest
    (folder / "3.png").write_bytes(b"-")
    assert len({first, second, read_all(folder, tmp_path)[0].digest}) == 3
    write_parquet(tmp_path / "a.parquet", [b"one", b"two"])
    first = read_all(tmp_path / "a.parquet", tmp_path)[0].digest
    write_parquet(tmp_path / "a.parquet", [b"one", b"six"])
    assert read_all(tmp_path / "a.parquet", tmp_path)[0].digest != first


@pytest.mark.parametrize(
    ("files", "name", "message"),
    [
        ({}, "gone", "There is no"),
        ({"in/notes.md": b"-"}, "in", "There are no pictures in"),
        ({"in/1.png": b"-", "in/2.parquet": b"-"}, "in", "both pictures and Parquet"),
        ({"in.zip": b"PK"}, "in.zip", "can't be scored. What can be"),
        ({"in.txt": b"\xff\xfe"}, "in.txt", "no UTF-8"),
        ({"in.txt": b"\n\n"}, "in.txt", "holds no pictures"),
        ({"in.parquet": b"PAR1 and no more"}, "in.parquet", "is not a Parquet file"),
    ],
)
def test_unusable_input_is_named(tmp_path: Path, files: dict[str, bytes], name: str, message: str) -> None:
    write_folder(tmp_path, files)
    with pytest.raises(ScoringError, match=message):
        read_all(tmp_path / name, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*"))
