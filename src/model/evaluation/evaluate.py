"""How good an artefact is, measured through the same path that people's pictures take.

python -m src.model.evaluation.evaluate --save                 the newest release; saves the results in docs/results
python -m src.model.evaluation.evaluate --folder my-digits     also folders of files named <label>_<anything>.<ext>
python -m src.model.evaluation.evaluate --folder-only --folder my-digits    only those; needs neither torch nor MNIST
"""

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from src.model.errors import DataError, DigitError
from src.model.evaluation import report
from src.model.evaluation.metrics import per_digit
from src.model.evaluation.predictions import File, predict_all, tally
from src.model.evaluation.report import Evaluation
from src.model.inference.artefact import find_newest
from src.model.inference.predictor import open_predictor
from src.model.preprocessing.preprocess import SIDE, Framed
from src.settings import PLOTS_DIR, get_settings


def resized(data: bytes) -> Framed:
    """Resize a picture to 28x28 and do nothing else, as most MNIST demonstrations do: what framing is compared with."""
    with Image.open(io.BytesIO(data)) as image:
        levels = np.asarray(image.convert("L").resize((SIDE, SIDE)))
    return Framed(np.asarray(levels / 255, np.float32), 1)


def folder_files(folder: Path) -> list[File]:
    """Return the files `<label>_<anything>` below `folder`, in order of their names, each with its label.

    Raises `DataError` if there are none.
    """
    found = [(path.read_bytes(), int(path.name[0])) for path in sorted(folder.rglob("[0-9]_*")) if path.is_file()]
    if not found:
        raise DataError(
            f"{folder} has no files named <label>_<anything>.<ext>, as 4_mine.png is: name a folder that does."
        )
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print the figures of an artefact."""
    options = _parser().parse_args(arguments)
    settings = get_settings()
    try:
        path = options.model or settings.model_file or find_newest(settings.model_dir)
        if options.folder_only:
            _evaluate_folders(path, options.folder, options.resize_only)
        else:
            _evaluate_all(path, options.folder, options.save)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _evaluate_folders(path: Path, folders: list[Path], resize_only: bool) -> None:
    predictor = open_predictor(path, get_settings().max_pixels)
    _report(f"{predictor.description.network}, {predictor.description.parameters:,} parameters, from {path.name}")
    for folder in folders:
        answered = predict_all(predictor, folder_files(folder), resized if resize_only else None)
        _report(f"{folder}: {tally(answered)}")


def _evaluate_all(path: Path, folders: list[Path], keep: bool) -> None:
    # evaluating folders needs neither torch nor MNIST
    from src.model.data.mnist import load_mnist  # noqa: PLC0415
    from src.model.evaluation import plots, suite  # noqa: PLC0415

    own = {folder.name: folder_files(folder) for folder in folders}
    mnist = load_mnist(get_settings().data_dir)
    found = suite.evaluate(path, mnist, own)
    _report("\n".join(_lines(found)))
    if keep:
        _report(f"saved {report.save(found)}")
        shares, figure = suite.probabilities(path, mnist.test), PLOTS_DIR / f"mistakes-{found.version}.png"
        plots.save(lambda: plots.mistakes(shares, mnist.test), figure)
        _report(f"drew {figure}")


def _lines(found: Evaluation) -> Iterator[str]:
    yield f"{found.version}: {found.network}, {found.parameters:,} parameters, {found.bytes:,} bytes"
    yield f"a picture through the network: {found.network_ms:.2f} ms; a drawing, file to answer: {found.drawing_ms:.2f}"
    yield f"MNIST validation, as files: {found.validation}"
    yield f"MNIST test, as files: {found.test}, loss {found.test.loss:.4f}" if found.test else ""
    yield from _table(found.confusion)
    yield from (f"{kind}: {tally}" for kind, tally in found.practice.items())
    yield from (f"corrupted by {name}: {tally.accuracy:.2%}" for name, tally in found.corrupted.items())
    yield f"mean over the corruptions: {found.robustness:.2%}"
    yield from (f"digit or not, against {name}: AUROC {area:.4f}" for name, area in found.others.items())
    yield from (f"{name}: {tally}" for name, tally in found.folders.items())


def _table(confusion: list[list[int]]) -> Iterator[str]:
    """Yield the confusion matrix of the test set with precision, recall and F1 of each digit."""
    counts = np.array(confusion).reshape(-1, 10)
    truth, read = (axis.repeat(counts.ravel()) for axis in np.indices(counts.shape).reshape(2, -1))
    scores = per_digit(read, truth)
    yield "digit  " + "".join(f"{digit:>6}" for digit in range(10)) + "   precision  recall      F1"
    for digit, row in enumerate(counts):
        figures = f"{scores.precision[digit]:>12.2%}{scores.recall[digit]:>8.2%}{scores.f1[digit]:>8.2%}"
        yield f"{digit:>5}  " + "".join(f"{count:>6}" for count in row) + figures


def _report(line: str) -> None:
    sys.stdout.write(line + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.model.evaluation.evaluate", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--model", type=Path, help="the artefact's .json, .onnx or .pt (default: the newest release)")
    parser.add_argument("--folder", type=Path, nargs="*", default=[], help="folders of files <label>_<anything>.<ext>")
    parser.add_argument("--resize-only", action="store_true", help="read the folders without framing, to compare")
    parser.add_argument("--folder-only", action="store_true", help="leave MNIST out")
    parser.add_argument(
        "--save",
        action="store_true",
        help="keep the figures in docs/results/evaluation-<version>.json, mistakes in docs/figures",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
