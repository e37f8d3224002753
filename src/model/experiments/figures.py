"""Draws the figures of the comparison: learning curves, permuted pictures, filters, and the CNN's errors."""

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
from src.model.experiments.results import Layout, group_runs
from src.model.experiments.runs import TrainedRun, arrange_pixels
from src.model.inference.confidence import log_softmax

NAMES = {"cnn": "CNN", "mlp": "MLP", "sparse": "sparse MLP"}
COLOURS = {"given": "#1b7837", "permuted": "#b2182b", "recovered": "#2166ac"}
DASHES = {"cnn": "-", "mlp": "--", "sparse": ":"}


def draw_all(mnist: Mnist, trained: Sequence[TrainedRun], folder: Path) -> None:
    """Draw every figure into `folder`. The first run of the CNN on the given layout represents it."""
    cnn = next(item for item in trained if (item.run.network, item.run.layout) == ("cnn", "given"))
    probabilities = np.exp(log_softmax(cnn.logits.numpy()))
    labels = mnist.test.labels.numpy()
    figures: dict[str, Callable[[], Figure]] = {
        "learning": lambda: draw_learning(trained),
        "permuted": lambda: draw_layouts(mnist, cnn.run.seed),
        "filters": lambda: draw_filters(trained),
        "confusion": lambda: draw_confusion(probabilities.argmax(1), labels),
        "per-digit": lambda: draw_digit_metrics(probabilities.argmax(1), labels),
        "mistakes": lambda: draw_mistakes(probabilities, mnist.test),
        "calibration": lambda: draw_calibration(probabilities, labels),
    }
    for name, figure in figures.items():
        save_figure(figure, folder / f"{name}.png")


def draw_learning(trained: Sequence[TrainedRun]) -> Figure:
    """Draw the validation error by epoch: mean and standard deviation over the seeds."""
    figure, axes = create_figure(6, 3.6)
    for (_, network, layout), runs in group_runs(item.run for item in trained).items():
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


def draw_layouts(mnist: Mnist, seed: int) -> Figure:
    """Draw ten digits in each layout: given, permuted and recovered."""
    first = [int((mnist.train.labels == digit).nonzero()[0]) for digit in range(10)]
    layouts: tuple[Layout, ...] = ("given", "permuted", "recovered")
    figure, axes = create_figure(8, 2.6, 3, 10)
    for row, layout in zip(axes, layouts, strict=True):
        images = arrange_pixels(mnist, layout, seed).train.images[first].numpy()
        for place, image in zip(row, images, strict=True):
            show_picture(place, image)
        row[0].set_ylabel(layout)
    return figure


def draw_filters(trained: Sequence[TrainedRun]) -> Figure:
    """Draw the weights of the first layers of one seed: six 5x5 filters per CNN, eight 28x28 pictures per MLP."""
    seed = trained[0].run.seed
    shown = [item for item in trained if item.run.seed == seed and item.run.network in ("cnn", "mlp")]
    figure, axes = create_figure(7, 0.95 * len(shown), len(shown), 8)
    for row, item in zip(axes, shown, strict=True):
        weights = next(value for name, value in item.weights.items() if name.endswith("weight"))
        pictures = weights.view(len(weights), *((5, 5) if item.run.network == "cnn" else (28, 28))).numpy()
        limit = float(np.abs(pictures).max())
        for place, picture in zip(row, pictures, strict=False):
            show_picture(place, picture, cmap="RdBu_r", vmin=-limit, vmax=limit)
        row[0].set_ylabel(f"{NAMES[item.run.network]},\n{item.run.layout}", fontsize=8)
    hide_empty(axes)
    return figure
