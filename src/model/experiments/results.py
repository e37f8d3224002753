"""What the comparison found: a list of runs as JSON, and its table as Markdown."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from src.model.files import write_text_atomically
from src.settings import RESULTS_DIR

Layout = Literal["given", "permuted", "recovered"]


class Run(BaseModel):
    """One network trained once."""

    model_config = ConfigDict(frozen=True)

    recipe: str
    network: str
    layout: Layout
    seed: int
    parameters: int = Field(description="weights and biases that are not zero")
    mask_bits: int = Field(0, description="what it takes to say which weights are left, where that was learned")
    test_loss: float
    test_accuracy: float = Field(ge=0, le=1)
    seconds: float = Field(description="of training, and of finding the layout where it was lost")
    learning: list[tuple[float, float]] = Field(description="training loss and validation accuracy after each epoch")


class Results(BaseModel):
    """All runs, and by seed the order of the pixels in those whose layout was hidden."""

    model_config = ConfigDict(frozen=True)

    runs: list[Run] = []
    permutations: dict[int, list[int]] = {}

    def replaced(self, recipe: str, new: "Results") -> "Results":
        """Return these results with the runs of `recipe` taken from `new`."""
        others = [run for run in self.runs if run.recipe != recipe]
        return Results(runs=others + new.runs, permutations=self.permutations | new.permutations)


def read(folder: Path = RESULTS_DIR) -> Results:
    """Return what `folder` holds; nothing if it holds none."""
    path = folder / "compare.json"
    return Results.model_validate_json(path.read_text()) if path.exists() else Results()


def write(results: Results, folder: Path = RESULTS_DIR) -> None:
    """Write compare.json, a line for each run, and compare.md; each appears whole."""
    content = results.model_dump()
    runs = ",\n".join(json.dumps(run) for run in content["runs"])
    orders = ",\n".join(f'"{seed}": {json.dumps(order)}' for seed, order in content["permutations"].items())
    write_text_atomically(folder / "compare.json", f'{{"runs": [\n{runs}\n],\n"permutations": {{\n{orders}\n}}}}\n')
    write_text_atomically(folder / "compare.md", table(results.runs))


def cells(runs: Iterable[Run]) -> dict[tuple[str, str, Layout], list[Run]]:
    """Return the runs by recipe, network and layout, in their order."""
    found: dict[tuple[str, str, Layout], list[Run]] = {}
    for run in runs:
        found.setdefault((run.recipe, run.network, run.layout), []).append(run)
    return found


def table(runs: Iterable[Run]) -> str:
    """Return mean ± standard deviation over the seeds of each cell, as Markdown."""
    rows = [
        "| recipe | network | layout | seeds | parameters | test loss | test accuracy | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (recipe, network, layout), found in cells(runs).items():
        loss = spread([run.test_loss for run in found], 4)
        accuracy = spread([100 * run.test_accuracy for run in found], 2)
        seconds = np.mean([run.seconds for run in found])
        sizes = f"{len(found)} | {_size(found)}"
        rows.append(f"| {recipe} | {network} | {layout} | {sizes} | {loss} | {accuracy} % | {seconds:.1f} |")
    return "\n".join(rows) + "\n"


def spread(values: list[float], digits: int) -> str:
    """Return "mean ± standard deviation" of a sample."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return f"{np.mean(values):.{digits}f} ± {deviation:.{digits}f}"


def _size(found: list[Run]) -> str:
    most, bits = max(run.parameters for run in found), max(run.mask_bits for run in found)
    return f"{most:,} and a mask of {bits:,} bits" if bits else f"{most:,}"
