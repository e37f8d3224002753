"""How many permuted pictures it takes to find their layout again.

    python -m src.model.experiments.recovery_curve --seeds 5

For 100 to 60,000 training pictures, each seed with a permutation and a draw of its own: how far the pixels end up from
their places, and what the CNN reads of the official test set after the course's one epoch on all training pictures,
laid out as those few told. Writes docs/results/recovery.json and docs/figures/recovery.png.
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
from src.model.experiments.results import spread
from src.model.experiments.runs import permutation, restored, whole_mnist
from src.model.files import write_text_atomically
from src.model.parallel import in_parallel
from src.model.training.fit import COURSE, fit
from src.model.training.scoring import accuracy_of
from src.settings import PLOTS_DIR, RESULTS_DIR

COUNTS = (100, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000)

Places = NDArray[np.int64]  # [784]


class Recovery(BaseModel):
    """One layout found, and what it was good for."""

    model_config = ConfigDict(frozen=True)

    pictures: int
    seed: int
    error: float  # pixels, weighed by ink
    seconds: float  # to find the layout
    test_accuracy: float  # 0..1, of the CNN


class Recoveries(BaseModel):
    """All of them."""

    runs: list[Recovery]


def read(folder: Path = RESULTS_DIR) -> list[Recovery]:
    """Return what an earlier call left in `folder`."""
    return Recoveries.model_validate_json((folder / "recovery.json").read_text()).runs


def table(runs: list[Recovery]) -> str:
    """Return what each number of pictures gave, as Markdown."""
    rows = [
        "| pictures | pixels from their places: median, worst | seconds | CNN's test accuracy |",
        "| --- | --- | --- | --- |",
    ]
    for pictures in sorted({run.pictures for run in runs}):
        found = [run for run in runs if run.pictures == pictures]
        errors, seconds = [run.error for run in found], np.mean([run.seconds for run in found])
        accuracy = spread([100 * run.test_accuracy for run in found], 2)
        rows.append(f"| {pictures:,} | {np.median(errors):.2f}, {max(errors):.2f} | {seconds:.1f} | {accuracy} % |")
    return "\n".join(rows) + "\n"


def misplacement(places: Places, true: Places, ink: NDArray[np.floating]) -> float:
    """Return how far pixels lie from their places, in pixels weighed by their ink, whatever the turn and the mirror."""
    found, right = (np.stack(np.divmod(pixels, SIDE), 1).astype(float) for pixels in (places, true))
    errors = []
    for turned in (found, found[:, ::-1]):
        for mirror in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            offset = turned * mirror - right
            moved = offset - np.round(np.average(offset, axis=0, weights=ink))
            errors.append(float(np.average(np.linalg.norm(moved, axis=1), weights=ink)))
    return min(errors)


def recover(task: tuple[int, int]) -> Recovery:
    """Find the layout from so many pictures, with this seed, and train on it."""
    pictures, seed = task
    mnist, order = whole_mnist(), permutation(seed)
    hidden = mnist.permute_pixels(order)
    drawn = _drawn(hidden, pictures, seed)
    start = time.perf_counter()
    places = recover_layout(drawn)
    seconds = time.perf_counter() - start
    ink = drawn.mean(0) + 1e-9
    recovered = restored(hidden, places)
    cnn = networks.build_seeded("cnn", seed)
    fit(cnn, recovered, COURSE, seed, lambda _loss, _accuracy: None)
    return Recovery(
        pictures=pictures,
        seed=seed,
        error=round(misplacement(places, order.numpy(), ink), 4),
        seconds=round(seconds, 2),
        test_accuracy=accuracy_of(cnn, recovered.test),
    )


def _drawn(mnist: Mnist, pictures: int, seed: int) -> NDArray[np.uint8]:
    """Return so many of the 60,000 training pictures, [pictures, 784], none twice."""
    images = torch.cat([mnist.train.images, mnist.validation.images]).flatten(1).numpy()
    return np.asarray(images[np.random.default_rng([60_000, seed]).permutation(len(images))[:pictures]])


def curve(runs: list[Recovery]) -> Figure:
    """Misplacement and the CNN's accuracy by the number of pictures: every run, and the median."""
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
    """Find layouts from ever more pictures, save what came of it and draw it."""
    options = _parser().parse_args(arguments)
    try:
        whole_mnist()  # fetched here, once, not by every process
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    tasks = [(pictures, seed) for pictures in reversed(COUNTS) for seed in range(options.seeds)]
    runs = sorted(in_parallel(recover, tasks), key=lambda run: (run.pictures, run.seed))
    lines = ",\n".join(run.model_dump_json() for run in runs)
    write_text_atomically(options.out / "recovery.json", f'{{"runs": [\n{lines}\n]}}\n')
    plots.save_figure(lambda: curve(runs), options.figures / "recovery.png")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.model.experiments.recovery_curve", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seeds", type=int, default=5, help="layouts found from each number of pictures")
    parser.add_argument("--out", type=Path, default=RESULTS_DIR, help="the folder for the results")
    parser.add_argument("--figures", type=Path, default=PLOTS_DIR, help="the folder for the figure")
    return parser


if __name__ == "__main__":
    sys.exit(main())
