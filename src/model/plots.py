"""The comparison in pictures: PNG files that `compare` draws from what it trained.

The first seed stands for its cell where one network is looked at; curves show the mean and the spread of all.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from src.model import scores
from src.model.cells import Trained, laid_out
from src.model.confidence import log_softmax
from src.model.dataset import Digits, Mnist
from src.model.files import whole
from src.model.results import Layout, cells
from src.model.scores import Labels, Probabilities

NAMES = {"cnn": "CNN", "mlp": "MLP", "sparse": "sparse MLP"}
COLOURS = {"given": "#1b7837", "permuted": "#b2182b", "recovered": "#2166ac"}
DASHES = {"cnn": "-", "mlp": "--", "sparse": ":"}
WORST = 20
STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9,
    "savefig.dpi": 110,
}


def draw(mnist: Mnist, found: Sequence[Trained], folder: Path) -> None:
    """Draw every figure into `folder`."""
    cnn = one(found, "cnn", "given")
    probabilities = np.exp(log_softmax(cnn.logits.numpy()))
    labels = mnist.test.labels.numpy()
    figures: dict[str, Callable[[], Figure]] = {
        "learning": lambda: learning(found),
        "permuted": lambda: permuted(mnist, cnn.run.seed),
        "filters": lambda: filters(found),
        "confusion": lambda: confusion(probabilities.argmax(1), labels),
        "per-digit": lambda: per_digit(probabilities.argmax(1), labels),
        "mistakes": lambda: mistakes(probabilities, mnist.test),
        "calibration": lambda: calibration(probabilities, labels),
    }
    for name, figure in figures.items():
        save(figure, folder / f"{name}.png")


def save(figure: Callable[[], Figure], path: Path) -> None:
    """Draw a figure in this project's style into a file that appears whole."""
    with whole(path) as part, mpl.rc_context(STYLE):
        figure().savefig(part, format="png", metadata={"Software": None})


def blank(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, Any]:
    """Return a figure of so many inches and its axes."""
    figure = Figure((width, height), layout="constrained")
    return figure, figure.subplots(rows, columns)


def one(found: Sequence[Trained], network: str, layout: Layout) -> Trained:
    """Return the first run of a cell."""
    return next(each for each in found if (each.run.network, each.run.layout) == (network, layout))


def learning(found: Sequence[Trained]) -> Figure:
    """Validation error by epoch: the mean of the seeds, and one standard deviation around it."""
    figure, axes = blank(6, 3.6)
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
    figure, axes = blank(8, 2.6, 3, 10)
    for row, layout in zip(axes, layouts, strict=True):
        images = laid_out(mnist, layout, seed).train.images[first].numpy()
        for place, image in zip(row, images, strict=True):
            _picture(place, image)
        row[0].set_ylabel(layout)
    return figure


def filters(found: Sequence[Trained]) -> Figure:
    """The first layer's weights: six 5x5 filters of each CNN, eight 28x28 pictures of each MLP."""
    shown = [each for each in found if each.run.seed == found[0].run.seed and each.run.network in ("cnn", "mlp")]
    figure, axes = blank(7, 0.95 * len(shown), len(shown), 8)
    for row, each in zip(axes, shown, strict=True):
        weights = next(value for name, value in each.weights.items() if name.endswith("weight"))
        pictures = weights.view(len(weights), *((5, 5) if each.run.network == "cnn" else (28, 28))).numpy()
        limit = float(np.abs(pictures).max())
        for place, picture in zip(row, pictures, strict=False):
            _picture(place, picture, cmap="RdBu_r", vmin=-limit, vmax=limit)
        row[0].set_ylabel(f"{NAMES[each.run.network]},\n{each.run.layout}", fontsize=8)
    _hide_empty(axes)
    return figure


def confusion(predictions: Labels, labels: Labels) -> Figure:
    """How often each digit was read as each other."""
    counts = scores.confusion(predictions, labels)
    figure, axes = blank(4.2, 4)
    wrong = counts - np.diag(np.diag(counts))
    axes.imshow(wrong, cmap="Reds")
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if wrong[row, column] > wrong.max() / 2 else "black"
        axes.text(column, row, str(count) if count else "", ha="center", va="center", fontsize=8, color=colour)
    axes.set(xticks=range(10), yticks=range(10), xlabel="read as", ylabel="is")
    return figure


def per_digit(predictions: Labels, labels: Labels) -> Figure:
    """Precision and recall of each digit."""
    digits = scores.per_digit(predictions, labels)
    figure, axes = blank(5, 2.8)
    for offset, name, values in ((-0.2, "precision", digits.precision), (0.2, "recall", digits.recall)):
        axes.bar(np.arange(10) + offset, 100 * values, 0.38, label=name)
    low = 100 * min(digits.precision.min(), digits.recall.min())
    axes.set(xticks=range(10), xlabel="digit", ylabel="%", ylim=(np.floor(low - 0.5), 100))
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def mistakes(probabilities: Probabilities, test: Digits) -> Figure:
    """The wrong answers that gave the right digit the least."""
    labels = test.labels.numpy()
    right = probabilities[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(probabilities.argmax(1) != labels)
    worst = wrong[np.argsort(right[wrong])][:WORST]
    figure, axes = blank(8, 3, 2, WORST // 2)
    for place, index in zip(axes.flat, worst, strict=False):
        _picture(place, test.images[index].numpy())
        read, label = int(probabilities[index].argmax()), int(labels[index])
        place.set_title(f"{read}: {probabilities[index, read]:.1%}\nis {label}: {right[index]:.1%}", fontsize=7)
    _hide_empty(axes)
    return figure


def calibration(probabilities: Probabilities, labels: Labels) -> Figure:
    """How often an answer is right, by how sure it was."""
    sure, right, _ = scores.reliability(probabilities, labels).T
    figure, axes = blank(3.6, 3.4)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(sure, right, marker="o", color=COLOURS["given"])
    axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title(f"expected calibration error {scores.calibration_error(probabilities, labels):.2%}", fontsize=9)
    return figure


def _picture(axes: Axes, image: NDArray[Any], cmap: str = "gray_r", vmin: float = 0, vmax: float = 255) -> None:
    axes.imshow(image, cmap=cmap, vmin=vmin, vmax=vmax)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _hide_empty(axes: Any) -> None:
    for place in axes.flat:
        if not place.images:
            place.set_axis_off()
