"""Plots of an evaluation, and the style that all plots of the project share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.model.data.mnist import Digits
from src.model.evaluation.metrics import (
    Labels,
    Probabilities,
    bin_by_confidence,
    calibration_error,
    count_confusions,
    score_digits,
)
from src.model.files import atomic_path
from src.model.inference.predictor import Prediction

WORST: Final = 20
GREEN: Final = "#1b7837"
STYLE: Final[dict[Any, Any]] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9,
    "savefig.dpi": 110,
}


def save_figure(draw: Callable[[], Figure], path: Path) -> None:
    """Draw a figure in the project's style and save it atomically as a PNG file."""
    with atomic_path(path) as part, mpl.rc_context(STYLE):
        draw().savefig(part, format="png", metadata={"Software": None})


def create_figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, Any]:
    """Return a figure of `width` x `height` inches and its axes."""
    figure = Figure((width, height), layout="constrained")
    return figure, figure.subplots(rows, columns)


def draw_confusion(predictions: Labels, labels: Labels) -> Figure:
    """Draw the confusion matrix; colour shows the errors only."""
    counts = count_confusions(predictions, labels)
    errors = counts - np.diag(np.diag(counts))
    figure, axes = create_figure(4.2, 4)
    axes.imshow(errors, cmap="Reds")
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if errors[row, column] > errors.max() / 2 else "black"
        axes.text(column, row, str(count) if count else "", ha="center", va="center", fontsize=8, color=colour)
    axes.set(xticks=range(10), yticks=range(10), xlabel="read as", ylabel="is")
    return figure


def draw_digit_metrics(predictions: Labels, labels: Labels) -> Figure:
    """Draw precision and recall of each digit as bars."""
    digits = score_digits(predictions, labels)
    figure, axes = create_figure(5, 2.8)
    for offset, name, values in ((-0.2, "precision", digits.precision), (0.2, "recall", digits.recall)):
        axes.bar(np.arange(10) + offset, 100 * values, 0.38, label=name)
    lowest = 100 * min(digits.precision.min(), digits.recall.min())
    axes.set(xticks=range(10), xlabel="digit", ylabel="%", ylim=(np.floor(lowest - 0.5), 100))
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def draw_mistakes(probabilities: Probabilities, test: Digits) -> Figure:
    """Draw the misread digits to whose true digit the network gave the lowest probability."""
    labels = test.labels.numpy()
    likelihood = probabilities[np.arange(len(labels)), labels]
    misread = np.flatnonzero(probabilities.argmax(1) != labels)
    worst = misread[np.argsort(likelihood[misread])][:WORST]
    figure, axes = create_figure(8, 3, 2, WORST // 2)
    for place, index in zip(axes.flat, worst, strict=False):
        show_picture(place, test.images[index].numpy())
        prediction, label = int(probabilities[index].argmax()), int(labels[index])
        title = f"{prediction}: {probabilities[index, prediction]:.1%}\nis {label}: {likelihood[index]:.1%}"
        place.set_title(title, fontsize=7)
    hide_empty(axes)
    return figure


def draw_taken(taken: dict[str, list[Prediction]]) -> Figure:
    """Draw, for each kind of non-digits, up to ten that are taken for a digit: those with the highest digit score."""
    shown = {kind: sorted(some, key=lambda one: -one.digit_score)[: WORST // 2] for kind, some in taken.items() if some}
    figure, axes = create_figure(8, 0.2 + 0.85 * max(len(shown), 1), max(len(shown), 1), WORST // 2)
    for row, (kind, predictions) in zip(np.atleast_2d(axes), shown.items(), strict=False):
        for place, prediction in zip(row, predictions, strict=False):
            show_picture(place, prediction.pixels, vmax=1)
            place.set_title(f"{prediction.prediction}: {prediction.digit_score:.0%}", fontsize=7)
        row[0].set_ylabel(kind.replace(" through ", "\n").replace(" of ", " of\n"), fontsize=7)
    hide_empty(axes)
    return figure


def draw_calibration(probabilities: Probabilities, labels: Labels) -> Figure:
    """Draw the reliability diagram: accuracy over confidence."""
    confidence, accuracy, _ = bin_by_confidence(probabilities, labels).T
    figure, axes = create_figure(3.6, 3.4)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(confidence, accuracy, marker="o", color=GREEN)
    axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title(f"expected calibration error {calibration_error(probabilities, labels):.2%}", fontsize=9)
    return figure


def show_picture(axes: Axes, image: NDArray[Any], cmap: str = "gray_r", vmin: float = 0, vmax: float = 255) -> None:
    """Show `image` [h, w] without ticks or border."""
    axes.imshow(image, cmap=cmap, vmin=vmin, vmax=vmax)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def hide_empty(axes: Any) -> None:
    """Hide the axes of a grid that show no image."""
    for place in axes.flat:
        if not place.images:
            place.set_axis_off()
