"""The results of the comparison: a list of runs as JSON, and a table as Markdown."""

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
    """The result of one run."""

    model_config = ConfigDict(frozen=True)

    recipe: str
    network: str
    layout: Layout
    seed: int
    parameters: int = Field(description="weights and biases that are not zero")
    mask_bits: int = Field(0, description="bits that encode which weights are non-zero, if that was learned")
    test_loss: float
    test_accuracy: float = Field(ge=0, le=1)
    seconds: float = Field(description="of training, and of recovering the layout if it was permuted")
    learning: list[tuple[float, float]] = Field(description="training loss and validation accuracy after each epoch")


class Results(BaseModel):
    """All runs, and for each seed the permutation that hides the layout."""

    model_config = ConfigDict(frozen=True)

    runs: list[Run] = []
    permutations: dict[int, list[int]] = {}

    def replace_recipe(self, recipe: str, new: "Results") -> "Results":
        """Return these results with the runs of `recipe` replaced by those of `new`."""
        others = [run for run in self.runs if run.recipe != recipe]
        return Results(runs=others + new.runs, permutations=self.permutations | new.permutations)


def read(folder: Path = RESULTS_DIR) -> Results:
    """Return the results in `folder`; empty ones if it has none."""
    path = folder / "compare.json"
    return Results.model_validate_json(path.read_text()) if path.exists() else Results()


def write(results: Results, folder: Path = RESULTS_DIR) -> None:
    """Write compare.json, with one line per run, and compare.md; each atomically."""
    content = results.model_dump()
    runs = ",\n".join(json.dumps(run) for run in content["runs"])
    orders = ",\n".join(f'"{seed}": {json.dumps(order)}' for seed, order in content["permutations"].items())
    write_text_atomically(folder / "compare.json", f'{{"runs": [\n{runs}\n],\n"permutations": {{\n{orders}\n}}}}\n')
    write_text_atomically(folder / "compare.md", format_table(results.runs))


def group_runs(runs: Iterable[Run]) -> dict[tuple[str, str, Layout], list[Run]]:
    """Group runs by recipe, network and layout; keep their order."""
    groups: dict[tuple[str, str, Layout], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.recipe, run.network, run.layout), []).append(run)
    return groups


def format_table(runs: Iterable[Run]) -> str:
    """Return mean ± standard deviation over the seeds of each group, as a Markdown table."""
    rows = [
        "| recipe | network | layout | seeds | parameters | test loss | test accuracy | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (recipe, network, layout), group in group_runs(runs).items():
        parameters, bits = max(run.parameters for run in group), max(run.mask_bits for run in group)
        size = f"{parameters:,} and a mask of {bits:,} bits" if bits else f"{parameters:,}"
        loss = format_spread([run.test_loss for run in group], 4)
        accuracy = format_spread([100 * run.test_accuracy for run in group], 2)
        seconds = np.mean([run.seconds for run in group])
        sizes = f"{len(group)} | {size}"
        rows.append(f"| {recipe} | {network} | {layout} | {sizes} | {loss} | {accuracy} % | {seconds:.1f} |")
    return "\n".join(rows) + "\n"


def format_spread(values: list[float], digits: int) -> str:
    """Return "mean ± standard deviation" of a sample, with `digits` decimals."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return f"{np.mean(values):.{digits}f} ± {deviation:.{digits}f}"
