"""TODO."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from src.model.data.mnist import Mnist
from src.model.evaluation.plots import (
    create_figure,
    draw_calibration,
    draw_confusion,
    draw_digit_metrics,
    draw_mistakes,
    hide_empty,
    save_figure,
    show_picture,
)
from src.model.experiments.results import Layout, cells
from src.model.experiments.runs import Trained, laid_out
from src.model.inference.confidence import log_softmax

NAMES = {"cnn": "CNN", "mlp": "MLP", "sparse": "sparse MLP"}
COLOURS = {"given": "#1b7837", "permuted": "#b2182b", "recovered": "#2166ac"}
DASHES = {"cnn": "-", "mlp": "--", "sparse": ":"}


def draw(mnist: Mnist, found: Sequence[Trained], folder: Path) -> None:
    """Draw every figure into `folder`."""
    cnn = one(found, "cnn", "given")
    probabilities = np.exp(log_softmax(cnn.logits.numpy()))
    labels = mnist.test.labels.numpy()
    figures: dict[str, Callable[[], Figure]] = {
        "learning": lambda: learning(found),
        "permuted": lambda: permuted(mnist, cnn.run.seed),
        "filters": lambda: filters(found),
        "confusion": lambda: draw_confusion(probabilities.argmax(1), labels),
        "per-digit": lambda: draw_digit_metrics(probabilities.argmax(1), labels),
        "mistakes": lambda: draw_mistakes(probabilities, mnist.test),
        "calibration": lambda: draw_calibration(probabilities, labels),
    }
    for name, figure in figures.items():
        save_figure(figure, folder / f"{name}.png")


def one(found: Sequence[Trained], network: str, layout: Layout) -> Trained:
    """Return the first run of a cell."""
    return next(each for each in found if (each.run.network, each.run.layout) == (network, layout))


def learning(found: Sequence[Trained]) -> Figure:
    """Validation error by epoch: the mean of the seeds, and one standard deviation around it."""
    figure, axes = create_figure(6, 3.6)
    for (_, network, layout), runs in cells(each.run for each in found).items():
        error = 100 * (1 - np.array([[accuracy for _, accuracy in run.learning] for run in runs]))
        epochs, mean, deviation = np.arange(1, error.shape[1] + 1), error.mean(0), error.std(0)
        colour, label = COLOURS[layout], f"{NAMES[network]}, {layout}"
        axes.plot(epochs, mean, DASHES[network], color=colour, label=label, marker="." if len(mean) == 1 else "")
        axes.fill_between(epochs, mean - deviation, mean + deviation, color=colour, alpha=0.15, linewidth=0)
    axes.set(xlabel="epoch", ylabel="validation digits misread, %", yscale="log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend(fontsize=8, frameon=False)
    return figure


def permuted(mnist: Mnist, seed: int) -> Figure:
    """Ten digits as they are, with their pixels permuted, and with the layout found again."""
    first = [int((mnist.train.labels == digit).nonzero()[0]) for digit in range(10)]
    layouts: tuple[Layout, ...] = ("given", "permuted", "recovered")
    figure, axes = create_figure(8, 2.6, 3, 10)
    for row, layout in zip(axes, layouts, strict=True):
        images = laid_out(mnist, layout, seed).train.images[first].numpy()
        for place, image in zip(row, images, strict=True):
            show_picture(place, image)
        row[0].set_ylabel(layout)
    return figure


def filters(found: Sequence[Trained]) -> Figure:
    """The first layer's weights: six 5x5 filters of each CNN, eight 28x28 pictures of each MLP."""
    shown = [each for each in found if each.run.seed == found[0].run.seed and each.run.network in ("cnn", "mlp")]
    figure, axes = create_figure(7, 0.95 * len(shown), len(shown), 8)
    for row, each in zip(axes, shown, strict=True):
        weights = next(value for name, value in each.weights.items() if name.endswith("weight"))
        pictures = weights.view(len(weights), *((5, 5) if each.run.network == "cnn" else (28, 28))).numpy()
        limit = float(np.abs(pictures).max())
        for place, picture in zip(row, pictures, strict=False):
            show_picture(place, picture, cmap="RdBu_r", vmin=-limit, vmax=limit)
        row[0].set_ylabel(f"{NAMES[each.run.network]},\n{each.run.layout}", fontsize=8)
    hide_empty(axes)
    return figure
