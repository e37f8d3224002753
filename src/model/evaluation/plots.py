"""The comparison in pictures: PNG files that `compare` draws from what it trained.

The first seed stands for its cell where one network is looked at; curves show the mean and the spread of all.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.model.data.mnist import Digits
from src.model.evaluation import metrics
from src.model.evaluation.metrics import Labels, Probabilities
from src.model.files import atomic_path

COLOURS = {"given": "#1b7837", "permuted": "#b2182b", "recovered": "#2166ac"}
WORST = 20
STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9,
    "savefig.dpi": 110,
}


def save(figure: Callable[[], Figure], path: Path) -> None:
    """Draw a figure in this project's style into a file that appears whole."""
    with atomic_path(path) as part, mpl.rc_context(STYLE):
        figure().savefig(part, format="png", metadata={"Software": None})


def blank(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, Any]:
    """Return a figure of so many inches and its axes."""
    figure = Figure((width, height), layout="constrained")
    return figure, figure.subplots(rows, columns)


def confusion(predictions: Labels, labels: Labels) -> Figure:
    """How often each digit was read as each other."""
    counts = metrics.confusion(predictions, labels)
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
    digits = metrics.per_digit(predictions, labels)
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
        show_picture(place, test.images[index].numpy())
        read, label = int(probabilities[index].argmax()), int(labels[index])
        place.set_title(f"{read}: {probabilities[index, read]:.1%}\nis {label}: {right[index]:.1%}", fontsize=7)
    hide_empty(axes)
    return figure


def calibration(probabilities: Probabilities, labels: Labels) -> Figure:
    """How often an answer is right, by how sure it was."""
    sure, right, _ = metrics.reliability(probabilities, labels).T
    figure, axes = blank(3.6, 3.4)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(sure, right, marker="o", color=COLOURS["given"])
    axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title(f"expected calibration error {metrics.calibration_error(probabilities, labels):.2%}", fontsize=9)
    return figure


def show_picture(axes: Axes, image: NDArray[Any], cmap: str = "gray_r", vmin: float = 0, vmax: float = 255) -> None:
    """Draw `image` [h, w] without ticks or a border."""
    axes.imshow(image, cmap=cmap, vmin=vmin, vmax=vmax)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def hide_empty(axes: Any) -> None:
    """Hide those axes of a grid that hold no image."""
    for place in axes.flat:
        if not place.images:
            place.set_axis_off()
