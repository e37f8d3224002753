"""A network's files are read only if they are regular files of a sensible size, so that a mistake costs no memory."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from src.model.errors import ArtefactError
from src.model.inference import artefact
from src.model.inference.runtime import OnnxRuntime
from src.settings import ROOT
from tests import released

KINDS = ("json", "onnx", "pt")
# in another process: without the limits it would wait for ever, or take all the memory
DESCRIBE = """
import resource, sys
from pathlib import Path
from src.model.errors import ArtefactError
from src.model.inference.artefact import describe
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))
for path in sys.argv[1:]:
    try:
        describe(Path(path))
    except ArtefactError as error:
        print(error)
assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000, "kB"
"""


def make_huge(path: Path) -> None:
    """Make a file of 300 MB that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(300_000_000)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.symlink_to("/dev/zero"), "it is not a regular file"),
        (os.mkfifo, "it is not a regular file"),
        (Path.mkdir, "it is not a regular file"),
        (make_huge, "it has 300,000,000 bytes, more than the 100,000 allowed|more than the 64,000,000 allowed"),
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
        (lambda path: path.symlink_to("nothing"), "No such file or directory|is missing"),
    ],
    ids=["device", "pipe", "folder", "huge", "loop", "dangling"],
)
def test_what_is_no_file_of_a_sensible_size_is_refused_unread(
    make: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    paths = []
    for kind in KINDS:
        (tmp_path / kind).mkdir()
        released.copy_release(tmp_path / kind, "0.9.0")
        paths.append(tmp_path / kind / f"mnist-0.9.0.{kind}")
        paths[-1].unlink()
        make(paths[-1])
    command = [sys.executable, "-c", DESCRIBE, *map(str, paths)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [str(path) in line for path, line in zip(paths, lines, strict=True)] == [True] * 3
    assert all(re.search(message, line) for line in lines)


def test_a_folder_of_links_to_files_is_served_as_kubernetes_mounts_it(tmp_path: Path) -> None:
    (tmp_path / "..2026_11").mkdir()
    released.copy_release(tmp_path / "..2026_11", "0.9.0")
    (tmp_path / "..data").symlink_to("..2026_11")
    for kind in KINDS:
        (tmp_path / f"mnist-0.9.0.{kind}").symlink_to(f"..data/mnist-0.9.0.{kind}")
    assert artefact.describe(artefact.find_newest(tmp_path)).version == "0.9.0"


def test_the_released_networks_are_far_below_the_limits() -> None:
    for path in (ROOT / "model").iterdir():
        limit = artefact.MAX_DESCRIPTION_BYTES if path.suffix == ".json" else artefact.MAX_WEIGHTS_BYTES
        assert path.stat().st_size < limit / 5


def test_an_onnx_file_whose_weights_lie_in_another_file_is_refused(tmp_path: Path) -> None:
    """Neither the digest nor the limit covers them."""
    path = tmp_path / "mnist.onnx"
    model = onnx.load(released.PATH.with_suffix(".onnx"))
    onnx.save_model(model, path, save_as_external_data=True, location="weights", size_threshold=1024)
    assert (tmp_path / "weights").stat().st_size > path.stat().st_size
    with pytest.raises(ArtefactError, match=r"mnist\.onnx"):
        OnnxRuntime(path)
