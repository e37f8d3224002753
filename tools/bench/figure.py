"""The figure of the benchmark."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import pyplot

from src.model.evaluation.plots import save_figure

COLOURS = {"constant": "#bbbbbb", "decoded": "#777777", "predict": "#1b7837"}
NAMES = {"constant": "the same answer always", "decoded": "… and decodes the picture", "predict": "reads the digit"}


def draw(runs: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw requests a second by network (rows), picture (columns) and connections into `path`."""
    shown = [run for run in runs if run["server"] in COLOURS]
    networks, pictures = (list(dict.fromkeys(run[name] for run in shown)) for name in ("network", "picture"))

    def draw_figure() -> Any:
        figure, axes = pyplot.subplots(
            len(networks), len(pictures), figsize=(8, 4.2), sharey=True, layout="constrained", squeeze=False
        )
        for row, network in enumerate(networks):
            for column, picture in enumerate(pictures):
                cell = [run for run in shown if run["network"] == network and run["picture"] == picture]
                _draw_bars(axes[row, column], cell)
                axes[row, column].set_title(f"{network}, {picture}", fontsize=8)
        axes[0, 0].legend(fontsize=6, frameon=False)
        figure.supxlabel("connections", fontsize=8)
        figure.supylabel("requests a second, one worker", fontsize=8)
        return figure

    save_figure(draw_figure, path)


def _draw_bars(axes: Any, runs: Sequence[dict[str, Any]]) -> None:
    for offset, (server, colour) in enumerate(COLOURS.items()):
        cells = [run for run in runs if run["server"] == server]
        speeds = [run["answered"]["per_second"] for run in cells]
        axes.bar([index + 0.27 * (offset - 1) for index in range(len(cells))], speeds, 0.27, color=colour)
        axes.set_xticks(range(len(cells)), [str(run["connections"]) for run in cells])
        axes.containers[-1].set_label(NAMES[server])
