import json
from pathlib import Path

import numpy as np

from src.model.experiments import results
from src.model.experiments.compare import NETWORKS_AND_LAYOUTS
from src.model.experiments.results import Results
from src.model.experiments.runs import RECIPES, make_permutation
from src.settings import RESULTS_DIR
from tests.model.experiments.make_run import MakeRun


def accuracy(recipe: str, network: str, layout: str) -> float:
    runs = results.read().runs
    return float(
        np.mean(
            [run.test_accuracy for run in runs if (run.recipe, run.network, run.layout) == (recipe, network, layout)]
        )
    )


def test_table_shows_mean_and_deviation_over_the_seeds(make_run: MakeRun) -> None:
    assert "| course | cnn | given | 2 | 6,422 | 0.2500 ± 0.0000 | 91.00 ± 1.41 % | 2.0 |" in results.format_table(
        [make_run(0, accuracy=0.9), make_run(1, accuracy=0.92)]
    )


def test_table_shows_the_bits_of_a_learned_mask(make_run: MakeRun) -> None:
    assert "| 1 | 6,422 and a mask of 33,000 bits |" in results.format_table([make_run(mask_bits=33_000)])


def test_results_are_written_one_run_per_line_and_read_back(tmp_path: Path, make_run: MakeRun) -> None:
    written = Results(runs=[make_run(0), make_run(1)], permutations={0: [2, 0, 1], 1: [0, 2, 1]})
    results.write(written, tmp_path)
    assert results.read(tmp_path) == written
    text = (tmp_path / "compare.json").read_text()
    assert sum("test_accuracy" in line for line in text.splitlines()) == 2
    assert json.loads(text)["runs"][0]["layout"] == "given"
    assert {path.name for path in tmp_path.iterdir()} == {"compare.json", "compare.md"}


def test_empty_folder_has_empty_results(tmp_path: Path) -> None:
    assert results.read(tmp_path) == Results()


def test_new_runs_replace_those_of_the_same_recipe_only(make_run: MakeRun) -> None:
    old = Results(runs=[make_run(0), make_run(0, "best")], permutations={0: [0]})
    new = Results(runs=[make_run(5)], permutations={5: [0]})
    combined = old.replace_recipe("course", new)
    assert [(run.recipe, run.seed) for run in combined.runs] == [("best", 0), ("course", 5)]
    assert set(combined.permutations) == {0, 5}


def test_committed_table_matches_the_committed_runs() -> None:
    assert (RESULTS_DIR / "compare.md").read_text() == results.format_table(results.read().runs)


def test_every_network_and_layout_is_committed_with_five_seeds() -> None:
    committed = {group: {run.seed for run in runs} for group, runs in results.group_runs(results.read().runs).items()}
    expected = [(recipe, *combination) for recipe in RECIPES for combination in NETWORKS_AND_LAYOUTS[recipe]]
    assert committed == {group: set(range(5)) for group in expected}


def test_committed_permutations_follow_from_their_seeds() -> None:
    assert results.read().permutations == {seed: make_permutation(seed).tolist() for seed in range(5)}


def test_permutation_costs_the_cnn_accuracy_and_recovery_restores_it() -> None:
    for recipe in RECIPES:
        given, permuted, recovered = (accuracy(recipe, "cnn", layout) for layout in ("given", "permuted", "recovered"))
        assert permuted < given - 0.02
        assert recovered > permuted + 0.02
        assert abs(accuracy(recipe, "mlp", "given") - accuracy(recipe, "mlp", "permuted")) < 0.02


def test_committed_networks_keep_to_their_parameters() -> None:
    for run in results.read().runs:
        assert run.parameters <= {"cnn": 6422, "mlp": 6442, "sparse": 6442}[run.network]
        assert (run.mask_bits > 0) == (run.network == "sparse")
