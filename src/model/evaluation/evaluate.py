"""Measure a network through the same path that users' pictures take.

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
from src.model.evaluation.metrics import score_digits
from src.model.evaluation.predictions import LabelledFile, count_digits, predict_all
from src.model.evaluation.report import Evaluation, save_evaluation
from src.model.inference.artefact import find_newest
from src.model.inference.predictor import open_predictor
from src.model.preprocessing.preprocess import SIDE, Candidates, Framed
from src.settings import PLOTS_DIR, get_settings


def main(arguments: list[str] | None = None) -> int:
    """Print the measurements of a network; return the exit status."""
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
    _print(f"{predictor.description.network}, {predictor.description.parameters:,} parameters, from {path.name}")
    for folder in folders:
        predictions = predict_all(predictor, read_folder(folder), resize if resize_only else None)
        _print(f"{folder}: {count_digits(predictions)}")


def _evaluate_all(path: Path, folders: list[Path], save: bool) -> None:
    # imported here because evaluating folders needs neither torch nor MNIST
    from src.model.data.mnist import load_mnist  # noqa: PLC0415
    from src.model.evaluation import plots, suite  # noqa: PLC0415
    from src.model.evaluation.pictures.rejection import KINDS  # noqa: PLC0415

    files = {folder.name: read_folder(folder) for folder in folders}
    mnist = load_mnist(get_settings().data_dir)
    evaluation = suite.evaluate(path, mnist, files)
    _print("\n".join(_format(evaluation)))
    if save:
        _print(f"saved {save_evaluation(evaluation)}")
        probabilities = suite.predict_probabilities(path, mnist.test)
        predictor = open_predictor(path, get_settings().max_pixels)
        taken = {kind: suite.find_taken_non_digits(predictor, kind) for kind in KINDS}
        figures = {
            "mistakes": lambda: plots.draw_mistakes(probabilities, mnist.test),
            "taken": lambda: plots.draw_taken(taken),
        }
        for name, draw in figures.items():
            figure = PLOTS_DIR / f"{name}-{evaluation.version}.png"
            plots.save_figure(draw, figure)
            _print(f"drew {figure}")


def read_folder(folder: Path) -> list[LabelledFile]:
    """Return the files below `folder` that are named <label>_<anything>, sorted by path, with their labels.

    Raises `DataError` if there are none.
    """
    files = [(path.read_bytes(), int(path.name[0])) for path in sorted(folder.rglob("[0-9]_*")) if path.is_file()]
    if not files:
        raise DataError(f"{folder} has no files named <label>_<anything>.<ext>, such as 4_mine.png.")
    return files


def resize(data: bytes) -> Candidates:
    """Resize a picture file to 28x28 without framing it, as most MNIST demonstrations do."""
    with Image.open(io.BytesIO(data)) as image:
        levels = np.asarray(image.convert("L").resize((SIDE, SIDE)))
    return (Framed(np.asarray(levels / 255, np.float32), 1),)


def _format(evaluation: Evaluation) -> Iterator[str]:
    size = f"{evaluation.parameters:,} parameters, {evaluation.bytes:,} bytes"
    yield f"{evaluation.version}: {evaluation.network}, {size}"
    yield f"network: {evaluation.network_ms:.2f} ms a picture; file to prediction: {evaluation.drawing_ms:.2f} ms"
    yield f"MNIST validation set: {evaluation.validation}"
    if evaluation.test:
        yield f"MNIST test set: {evaluation.test}, loss {evaluation.test.loss:.4f}"
        yield from _format_confusion(evaluation.confusion)
    yield from (f"{kind} digits: {counts}" for kind, counts in evaluation.synthetic.items())
    yield from (f"with {name}: {counts.accuracy:.2%}" for name, counts in evaluation.corrupted.items())
    yield f"mean over the corruptions: {evaluation.robustness:.2%}"
    yield from (f"{kind}: {counts}" for kind, counts in evaluation.crops.items())
    yield from (f"photographs, {paper}: {counts}" for paper, counts in evaluation.photos.items())
    for kind, auroc in evaluation.non_digit_auroc.items():
        yield f"digits against non-digits ({kind}): AUROC {auroc:.4f}"
    yield from (f"{kind}: {counts}" for kind, counts in evaluation.numbers.items())
    yield from (f"{kind}: {counts}" for kind, counts in evaluation.non_digits.items())
    yield from (f"{name}: {counts}" for name, counts in evaluation.folders.items())


def _format_confusion(confusion: list[list[int]]) -> Iterator[str]:
    """Yield the lines of the confusion matrix with precision, recall and F1 of each digit."""
    counts = np.array(confusion)
    labels, predictions = (axis.repeat(counts.ravel()) for axis in np.indices(counts.shape).reshape(2, -1))
    metrics = score_digits(predictions, labels)
    yield "digit  " + "".join(f"{digit:>6}" for digit in range(10)) + "   precision  recall      F1"
    for digit, row in enumerate(counts):
        scores = f"{metrics.precision[digit]:>12.2%}{metrics.recall[digit]:>8.2%}{metrics.f1[digit]:>8.2%}"
        yield f"{digit:>5}  " + "".join(f"{count:>6}" for count in row) + scores


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.model.evaluation.evaluate", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--model", type=Path, help="the network's .json, .onnx or .pt (default: the newest release)")
    parser.add_argument("--folder", type=Path, nargs="*", default=[], help="folders of files <label>_<anything>.<ext>")
    parser.add_argument("--resize-only", action="store_true", help="resize the folders' pictures, don't frame them")
    parser.add_argument("--folder-only", action="store_true", help="measure only the folders, not MNIST")
    parser.add_argument(
        "--save",
        action="store_true",
        help="save docs/results/evaluation-<version>.json and the plots in docs/figures",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
