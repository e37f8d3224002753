"""Write the reference for drift: the histograms of the validation digits, as a network sees them.

python -m src.model.monitoring.baseline            of the newest release, into docs/results
"""

import argparse
import sys
from pathlib import Path

from src.model.data.mnist import load_mnist
from src.model.errors import DigitError
from src.model.files import write_text_atomically
from src.model.inference.artefact import find_newest
from src.model.inference.predictor import open_predictor
from src.model.monitoring.histograms import count_predictions
from src.model.preprocessing.preprocess import Framed
from src.settings import RESULTS_DIR, get_settings


def write_reference(model: Path, folder: Path) -> Path:
    """Write the reference of the artefact at `model` into `folder`, and return its path. Raises `DigitError`."""
    settings = get_settings()
    predictor = open_predictor(model, settings.max_pixels)
    pictures = load_mnist(settings.data_dir).validation.pixels().numpy()[:, 0]
    predictions = predictor.predict_batch([(Framed(pixels, 1),) for pixels in pictures])
    histograms = count_predictions(predictor.description.version, predictions)
    path = folder / f"reference-{histograms.version}.json"
    write_text_atomically(path, histograms.model_dump_json(indent=1) + "\n")
    return path


def main(arguments: list[str] | None = None) -> int:
    """Write the reference of an artefact; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="the artefact (default: the newest release)")
    options = parser.parse_args(arguments)
    try:
        path = write_reference(options.model or find_newest(get_settings().model_dir), RESULTS_DIR)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
