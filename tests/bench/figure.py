"""The benchmark in one picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import pyplot

from src.model.plots import save

COLOURS = {"constant": "#bbbbbb", "decoded": "#777777", "predict": "#1b7837"}
NAMES = {"constant": "same answer always", "decoded": "… and decodes", "predict": "reads the digit"}


def draw(runs: Sequence[Any], path: Path) -> None:
    """Draw requests a second by network, picture and connections into `path`."""
    shown = [run for run in runs if run.server in COLOURS]
    rows = list(dict.fromkeys((run.network, run.picture) for run in shown))

    def figure() -> Any:
        whole, axes = pyplot.subplots(1, len(rows), figsize=(2.1 * len(rows), 2.8), sharey=True, layout="constrained")
        for (network, picture), place in zip(rows, axes, strict=True):
            for offset, (server, colour) in enumerate(COLOURS.items()):
                cells = [run for run in shown if (run.network, run.picture, run.server) == (network, picture, server)]
                places = [index + 0.27 * (offset - 1) for index in range(len(cells))]
                speeds = [cell.answered.per_second for cell in cells]
                place.bar(places, speeds, 0.27, color=colour, label=NAMES[server])
                place.set_xticks(range(len(cells)), [str(cell.connections) for cell in cells])
            place.set_title(f"{network}\n{picture}", fontsize=8)
        axes[0].set_ylabel("requests a second, one worker")
        axes[0].legend(fontsize=6, frameon=False)
        whole.supxlabel("connections", fontsize=8)
        return whole

    save(figure, path)
