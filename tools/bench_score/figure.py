"""The figure of the scoring benchmark: memory over time."""

from pathlib import Path
from typing import Any, Final

from src.model.evaluation.plots import create_figure, save_figure
from tools.bench_score.measure import Run

COLOURS: Final = {"worker": "#1b7837", "driver": "#762a83", "gcs": "#999999", "raylet": "#cccccc"}
LIMIT_MB: Final = 400


def draw(runs: dict[str, Run], path: Path) -> None:
    """Draw the memory of the largest process of each role over time, a plot for each run."""

    def draw_figure() -> Any:
        figure, axes = create_figure(8, 3, columns=len(runs))
        for axis, (name, run) in zip(axes, runs.items(), strict=True):
            for role, sizes in run.memory_mb.items():
                axis.plot(run.seconds, sizes, color=COLOURS[role], label=role)
            axis.axhline(LIMIT_MB, color="black", linewidth=0.5, linestyle="dotted")
            axis.set(title=f"{name}: {run.pictures:,} pictures", xlabel="seconds", ylim=(0, LIMIT_MB + 20))
            axis.legend(fontsize=7, frameon=False)
        axes[0].set_ylabel("MB, largest process")
        return figure

    save_figure(draw_figure, path)
