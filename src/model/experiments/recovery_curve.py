"""Measure how many permuted pictures it takes to recover their layout.

    python -m src.model.experiments.recovery_curve --seeds 5

For samples of 100 to 60,000 training pictures, with a permutation and a sample per seed, it measures how far the pixels
end up from their places, and the CNN's accuracy on the official test set after the course's one epoch on all training
pictures in the recovered layout. Writes docs/results/recovery.json and docs/figures/recovery.png.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from src.model import networks
from src.model.data.mnist import Mnist
from src.model.errors import DigitError
from src.model.evaluation import plots
from src.model.experiments.figures import COLOURS
from src.model.experiments.layout_recovery import SIDE, recover_layout
from src.model.experiments.results import format_spread
from src.model.experiments.runs import load_mnist_once, make_permutation, restore_pixels
from src.model.files import write_text_atomically
from src.model.parallel import in_parallel
from src.model.training.fit import COURSE, fit
from src.model.training.scoring import compute_accuracy
from src.settings import PLOTS_DIR, RESULTS_DIR

COUNTS = (100, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000)

Places = NDArray[np.int64]  # [784]


class Recovery(BaseModel):
    """The result of recovering one layout."""

    model_config = ConfigDict(frozen=True)

    pictures: int
    seed: int
    error: float  # mean distance from the right place in pixels, weighted by ink
    seconds: float  # of the recovery
    test_accuracy: float  # 0..1, of the CNN


class Recoveries(BaseModel):
    """The content of recovery.json."""

    runs: list[Recovery]


def read(folder: Path = RESULTS_DIR) -> list[Recovery]:
    """Return the recoveries in `folder`."""
    return Recoveries.model_validate_json((folder / "recovery.json").read_text()).runs


def format_table(runs: list[Recovery]) -> str:
    """Return the results for each number of pictures, as a Markdown table."""
    rows = [
        "| pictures | pixels from their places: median, worst | seconds | CNN's test accuracy |",
        "| --- | --- | --- | --- |",
    ]
    for pictures in sorted({run.pictures for run in runs}):
        group = [run for run in runs if run.pictures == pictures]
        errors, seconds = [run.error for run in group], np.mean([run.seconds for run in group])
        accuracy = format_spread([100 * run.test_accuracy for run in group], 2)
        rows.append(f"| {pictures:,} | {np.median(errors):.2f}, {max(errors):.2f} | {seconds:.1f} | {accuracy} % |")
    return "\n".join(rows) + "\n"


def measure_error(places: Places, true_places: Places, ink: NDArray[np.floating]) -> float:
    """Return the mean distance of pixels from their true places, in pixels, weighted by their ink [784].

    A layout that is rotated, mirrored or shifted as a whole has no error.
    """
    recovered, truth = (np.stack(np.divmod(pixels, SIDE), 1).astype(float) for pixels in (places, true_places))
    errors = []
    for axes in (recovered, recovered[:, ::-1]):
        for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            offset = axes * signs - truth
            shifted = offset - np.round(np.average(offset, axis=0, weights=ink))
            errors.append(float(np.average(np.linalg.norm(shifted, axis=1), weights=ink)))
    return min(errors)


def run_recovery(task: tuple[int, int]) -> Recovery:
    """Recover the layout for a number of pictures and a seed, and train the CNN on it."""
    pictures, seed = task
    permutation = make_permutation(seed)
    permuted = load_mnist_once().permute_pixels(permutation)
    sample = sample_pictures(permuted, pictures, seed)
    start = time.perf_counter()
    places = recover_layout(sample)
    seconds = time.perf_counter() - start
    ink = sample.mean(0) + 1e-9
    recovered = restore_pixels(permuted, places)
    cnn = networks.build_seeded("cnn", seed)
    fit(cnn, recovered, COURSE, seed)
    return Recovery(
        pictures=pictures,
        seed=seed,
        error=round(measure_error(places, permutation.numpy(), ink), 4),
        seconds=round(seconds, 2),
        test_accuracy=compute_accuracy(cnn, recovered.test),
    )


def sample_pictures(mnist: Mnist, count: int, seed: int) -> NDArray[np.uint8]:
    """Return `count` of the 60,000 training and validation pictures, [count, 784], without repeats."""
    images = torch.cat([mnist.train.images, mnist.validation.images]).flatten(1).numpy()
    return np.asarray(images[np.random.default_rng([60_000, seed]).permutation(len(images))[:count]])


def draw_curve(runs: list[Recovery]) -> Figure:
    """Draw the places' error and the CNN's errors by the number of pictures: every run, and the median."""
    figure, axes = plots.create_figure(7, 3, 1, 2)
    counts = sorted({run.pictures for run in runs})
    shown = (
        ("pixels from their places", [run.error for run in runs]),
        ("test digits misread, %", [100 * (1 - run.test_accuracy) for run in runs]),
    )
    for place, (name, values) in zip(axes, shown, strict=True):
        pictures = np.array([run.pictures for run in runs])
        place.plot(pictures, values, ".", color=COLOURS["recovered"], alpha=0.4)
        place.plot(
            counts,
            [np.median(np.array(values)[pictures == count]) for count in counts],
            color=COLOURS["recovered"],
        )
        place.set(xscale="log", yscale="log", xlabel="permuted pictures", ylabel=name)
    return figure


def main(arguments: list[str] | None = None) -> int:
    """Run all recoveries, save the results and draw the curve; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        load_mnist_once()  # downloads it once, not in every process
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    tasks = [(pictures, seed) for pictures in reversed(COUNTS) for seed in range(options.seeds)]
    runs = sorted(in_parallel(run_recovery, tasks), key=lambda run: (run.pictures, run.seed))
    lines = ",\n".join(run.model_dump_json() for run in runs)
    write_text_atomically(options.out / "recovery.json", f'{{"runs": [\n{lines}\n]}}\n')
    plots.save_figure(lambda: draw_curve(runs), options.figures / "recovery.png")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.model.experiments.recovery_curve", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seeds", type=int, default=5, help="runs for each number of pictures")
    parser.add_argument("--out", type=Path, default=RESULTS_DIR, help="folder for the results")
    parser.add_argument("--figures", type=Path, default=PLOTS_DIR, help="folder for the figure")
    return parser


if __name__ == "__main__":
    sys.exit(main())
