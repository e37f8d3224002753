"""The networks that compete in the experiment: what they are called, what they see, and how accurate they are."""

from dataclasses import dataclass
from typing import Final

from src.app.page.client import Model
from src.app.page.i18n import gettext_noop, translate
from src.app.page.session import list_networks

SIDE: Final = 28  # of a network's picture
# By the kinds of networks as the service calls them: the kind on pixels in place, and the name on the page.
KINDS: Final = {
    "cnn": ("cnn", gettext_noop("CNN")),
    "mlp": ("mlp", gettext_noop("MLP")),
    "cnn-permuted": ("cnn", gettext_noop("CNN, scrambled pixels")),
    "mlp-permuted": ("mlp", gettext_noop("MLP, scrambled pixels")),
    "cnn-recovered": ("cnn", gettext_noop("CNN, layout recovered")),
}
LONG_NAMES: Final = {
    "cnn": gettext_noop("convolutional neural network"),
    "mlp": gettext_noop("multilayer perceptron"),
}


@dataclass(frozen=True)
class Competitor:
    """A network of the experiment that the service has."""

    kind: str
    model: Model

    @property
    def name(self) -> str:
        """Its name on the page."""
        return translate(KINDS[self.kind][1])

    @property
    def long_name(self) -> str:
        """What the abbreviation stands for."""
        return translate(LONG_NAMES[KINDS[self.kind][0]])

    @property
    def is_recovered(self) -> bool:
        """Whether its pixels were scrambled and put back in order."""
        return self.kind == "cnn-recovered"


def list_competitors() -> dict[str, Competitor]:
    """Return the networks that the service has, by kind. Raises a `ServiceError`."""
    models = list_networks()
    return {kind: Competitor(kind, models[kind]) for kind in KINDS if kind in models}


def find_upright(model: Model) -> str:
    """Return the CSS transform that turns a network's picture so that the digit stands upright; empty if it does.

    A layout that was found from pictures alone may be turned by quarters, and mirrored. The covariance of the pixels'
    columns and rows with those of their places in the picture says how.
    """
    if not model.order:
        return ""
    centre = (SIDE - 1) / 2
    covariance = [[0.0, 0.0], [0.0, 0.0]]  # of the network's column and row with those of the picture
    for pixel, place in enumerate(model.order):
        row, column = divmod(pixel, SIDE)
        true_row, true_column = divmod(place, SIDE)
        for index, own in enumerate((column - centre, row - centre)):
            covariance[index][0] += own * (true_column - centre)
            covariance[index][1] += own * (true_row - centre)
    (column_column, column_row), (row_column, row_row) = covariance
    if abs(column_column) + abs(row_row) >= abs(column_row) + abs(row_column):
        a, b, c, d = _sign(column_column), 0, 0, _sign(row_row)
    else:
        a, b, c, d = 0, _sign(column_row), _sign(row_column), 0
    return "" if (a, b, c, d) == (1, 0, 0, 1) else f"matrix({a}, {b}, {c}, {d}, 0, 0)"


def _sign(value: float) -> int:
    return 1 if value >= 0 else -1
