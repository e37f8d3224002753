"""Keeps the figures that documents quote those of the results.

    python -m src.model.experiments.update_docs

A figure stands between two comments, which the rendered page hides: `<!-- best/cnn/given -->…<!-- / -->`.
What is in between is replaced; a name that no result has is an error.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from src.model.experiments import recovery_curve, results
from src.model.experiments.results import Results, Run, cells, spread, table
from src.model.files import write_text_atomically
from src.settings import ROOT

DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "experiments.md")
QUOTATION = re.compile(r"(<!-- (?P<name>[\w./-]+) -->).*?(<!-- / -->)", re.DOTALL)


def figures(found: Results, curve: list[recovery_curve.Recovery]) -> dict[str, str]:
    """Return everything that may be quoted, by name."""
    quotable: dict[str, str] = {}
    for (recipe, network, layout), runs in cells(found.runs).items():
        name = f"{recipe}/{network}/{layout}"
        quotable[name] = f"{spread([100 * run.test_accuracy for run in runs], 2)} %"
        quotable[f"{name}/worst"] = f"{100 * min(run.test_accuracy for run in runs):.2f} %"
        quotable[f"{name}/numbers"] = f"{max(run.parameters for run in runs):,}"
        quotable[f"{name}/bits"] = f"{max(run.mask_bits for run in runs):,}"
    for recipe in {run.recipe for run in found.runs}:
        of_recipe = [run for run in found.runs if run.recipe == recipe]
        quotable[f"{recipe}/table"] = f"\n\n{table(of_recipe)}\n"
        if {run.layout for run in of_recipe if run.network == "cnn"} >= {"given", "recovered"}:
            quotable[f"{recipe}/recovered-given"] = difference(of_recipe)
    return quotable | {"recovery/table": f"\n\n{recovery_curve.table(curve)}\n"}


def difference(runs: list[Run]) -> str:
    """Return how far the recovered CNN's mean is from the given one's, beside two standard errors of that distance."""
    given, recovered = (
        np.array([100 * run.test_accuracy for run in runs if (run.network, run.layout) == ("cnn", layout)])
        for layout in ("given", "recovered")
    )
    error = np.sqrt(given.var(ddof=1) / len(given) + recovered.var(ddof=1) / len(recovered))
    return f"{recovered.mean() - given.mean():+.2f} points, two standard errors being {2 * error:.2f}"


def quoted(text: str, quotable: Mapping[str, str]) -> str:
    """Return the text with every quotation brought up to date. Raises `KeyError` for a name that is not known."""
    return QUOTATION.sub(lambda found: found[1] + quotable[found["name"]] + found[3], text)


def update(documents: tuple[Path, ...] = DOCUMENTS) -> None:
    """Bring the documents up to date with the results."""
    quotable = figures(results.read(), recovery_curve.read())
    for path in documents:
        write_text_atomically(path, quoted(path.read_text(), quotable))


if __name__ == "__main__":
    update()
    sys.exit(0)
