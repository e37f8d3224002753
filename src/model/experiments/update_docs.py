"""Writes the current results into the documents that quote them.

    python -m src.model.experiments.update_docs

snippets.py says how a document marks them. The model card also gets its header (`model_card.py`).
"""

import sys
from pathlib import Path

import numpy as np

from src.model.evaluation.official_test import load_official_test
from src.model.evaluation.report import evaluation_path, load_evaluation
from src.model.experiments import model_card, recovery_curve, results
from src.model.experiments.results import Results, Run, format_spread, format_table, group_runs
from src.model.experiments.snippets import replace_snippets
from src.model.files import write_text_atomically
from src.settings import ROOT

DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "experiments.md")
MODEL_CARD = ROOT / "docs" / "model-card.md"


def make_snippets(comparison: Results, recoveries: list[recovery_curve.Recovery]) -> dict[str, str]:
    """Return every snippet, by name."""
    snippets: dict[str, str] = {}
    for (recipe, network, layout), runs in group_runs(comparison.runs).items():
        name = f"{recipe}/{network}/{layout}"
        snippets[name] = f"{format_spread([100 * run.test_accuracy for run in runs], 2)} %"
        snippets[f"{name}/worst"] = f"{100 * min(run.test_accuracy for run in runs):.2f} %"
        snippets[f"{name}/numbers"] = f"{max(run.parameters for run in runs):,}"
        snippets[f"{name}/bits"] = f"{max(run.mask_bits for run in runs):,}"
    for recipe in {run.recipe for run in comparison.runs}:
        runs = [run for run in comparison.runs if run.recipe == recipe]
        snippets[f"{recipe}/table"] = f"\n\n{format_table(runs)}\n"
        if {run.layout for run in runs if run.network == "cnn"} >= {"given", "recovered"}:
            snippets[f"{recipe}/recovered-given"] = format_difference(runs)
    return snippets | {"recovery/table": f"\n\n{recovery_curve.format_table(recoveries)}\n"}


def format_difference(runs: list[Run]) -> str:
    """Return the difference of the CNN's mean accuracy between recovered and given layout, with two standard errors."""
    given, recovered = (
        np.array([100 * run.test_accuracy for run in runs if (run.network, run.layout) == ("cnn", layout)])
        for layout in ("given", "recovered")
    )
    error = np.sqrt(given.var(ddof=1) / len(given) + recovered.var(ddof=1) / len(recovered))
    return f"{recovered.mean() - given.mean():+.2f} points, two standard errors being {2 * error:.2f}"


def update_card(text: str) -> str:
    """Return the model card with the header and the figures of the version that its title names."""
    version = model_card.read_version(text)
    evaluation, report = load_evaluation(evaluation_path(version)), load_official_test(version)
    return model_card.replace_header(replace_snippets(text, model_card.make_snippets(report)), evaluation, report)


def update(documents: tuple[Path, ...] = DOCUMENTS, card: Path = MODEL_CARD) -> None:
    """Update the snippets of the documents, and the model card."""
    snippets = make_snippets(results.read(), recovery_curve.read())
    for path in documents:
        write_text_atomically(path, replace_snippets(path.read_text(), snippets))
    write_text_atomically(card, update_card(card.read_text()))


if __name__ == "__main__":
    update()
    sys.exit(0)
