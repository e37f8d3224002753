"""How good an artefact is, measured through the same path that people's pictures take.

python -m src.model.evaluate                          the newest release, on MNIST's official test set
python -m src.model.evaluate --folder my-digits ...   and on folders of files named <label>_<anything>.<ext>
"""

import argparse
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from src.model.artefact import Figures, newest
from src.model.confidence import log_softmax
from src.model.errors import DigitError, PictureError
from src.model.preprocess import SIDE, Framed
from src.model.reader import Reader, Reading, open_reader
from src.model.runtime import Images, Logits, Runtime
from src.settings import get_settings


@dataclass(frozen=True)
class Tally:
    """What became of a set of picture files."""

    right: int
    files: int
    refused: int  # read as no picture or as blank; wrong like any other


def figures(logits: Logits, labels: NDArray[np.int64]) -> Figures:
    """Return accuracy and loss of logits [N, 10] against labels [N]."""
    likelihood = log_softmax(logits)[np.arange(len(labels)), labels]
    right = float((logits.argmax(1) == labels).mean())
    return Figures(accuracy=right, loss=float(-likelihood.mean()), pictures=len(labels))


def batched_logits(runtime: Runtime, images: Images, size: int = 1000) -> Logits:
    """Return logits [N, 10], a batch at a time."""
    return np.concatenate([runtime.logits(images[start : start + size]) for start in range(0, len(images), size)])


def read_files(read: Callable[[bytes], Reading], pictures: Iterable[tuple[bytes, int]]) -> Tally:
    """Read picture files, each with the digit it shows, and count."""
    right = files = refused = 0
    for data, label in pictures:
        files += 1
        try:
            right += read(data).prediction == label
        except PictureError:
            refused += 1
    return Tally(right, files, refused)


def resized(data: bytes) -> Framed:
    """Resize a picture to 28x28 and do nothing else, as most MNIST demonstrations do: what framing is compared with."""
    with Image.open(io.BytesIO(data)) as image:
        levels = np.asarray(image.convert("L").resize((SIDE, SIDE)))
    return Framed(np.asarray(levels / 255, np.float32), 1)


def folder_files(folder: Path) -> Iterator[tuple[bytes, int]]:
    """Yield the files `<label>_<anything>` below `folder`, in order of their names, each with its label."""
    for path in sorted(folder.rglob("[0-9]_*")):
        yield path.read_bytes(), int(path.name[0])


def as_png(image: NDArray[np.uint8]) -> bytes:
    """Encode uint8 [H, W] as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Print the figures of an artefact."""
    options = _parser().parse_args(arguments)
    settings = get_settings()
    try:
        path = options.model or settings.model_file or newest(settings.model_dir)
        reader = open_reader(path, settings.max_pixels)
        _report(f"{reader.description.network}, {reader.description.parameters:,} parameters, from {path.name}")
        if not options.folder_only:
            _evaluate_mnist(reader)
        read = (lambda data: reader.answer(resized(data))) if options.resize_only else reader.read
        for folder in options.folder:
            tally = read_files(read, tqdm(list(folder_files(folder)), folder.name, leave=False))
            _report(_line(str(folder), tally.right, tally.files) + f", {tally.refused} refused")
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _evaluate_mnist(reader: Reader) -> None:
    """Score the official test set as tensors, then as PNG files that go the way of an upload."""
    from src.model import dataset  # noqa: PLC0415 - evaluating folders needs neither torch nor MNIST

    test = dataset.load(get_settings().data_dir).test
    labels = test.labels.numpy()
    scored = figures(batched_logits(reader.runtime, test.pixels().numpy()), labels)
    _report(
        _line("MNIST test, as tensors", round(scored.accuracy * len(test)), len(test)) + f", loss {scored.loss:.4f}"
    )
    pictures = ((as_png(image), int(label)) for image, label in zip(test.images.numpy(), labels, strict=True))
    tally = read_files(reader.read, tqdm(pictures, "MNIST test, as PNG files", len(test), leave=False))
    _report(_line("MNIST test, as PNG files", tally.right, tally.files) + f", {tally.refused} refused")


def _line(name: str, right: int, files: int) -> str:
    return f"{name}: {right} of {files} right, {right / max(files, 1):.2%}"


def _report(line: str) -> None:
    sys.stdout.write(line + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m src.model.evaluate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="the artefact's .json, .onnx or .pt (default: the newest release)")
    parser.add_argument("--folder", type=Path, nargs="*", default=[], help="folders of files <label>_<anything>.<ext>")
    parser.add_argument("--resize-only", action="store_true", help="read the folders without framing, to compare")
    parser.add_argument("--folder-only", action="store_true", help="leave MNIST's test set out")
    return parser


if __name__ == "__main__":
    sys.exit(main())
