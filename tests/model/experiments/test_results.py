import json
from pathlib import Path

import numpy as np

from src.model.experiments import results
from src.model.experiments.compare import CELLS
from src.model.experiments.results import Results, Run
from src.model.experiments.runs import RECIPES, permutation
from src.settings import RESULTS_DIR


def a_run(seed: int = 0, recipe: str = "course", accuracy: float = 0.9, mask_bits: int = 0) -> Run:
    return Run(
        recipe=recipe,
        network="cnn",
        layout="given",
        seed=seed,
        parameters=6422,
        mask_bits=mask_bits,
        test_loss=0.25,
        test_accuracy=accuracy,
        seconds=2,
        learning=[(0.5, 0.8), (0.3, 0.9)],
    )


def accuracy(recipe: str, network: str, layout: str) -> float:
    runs = results.read().runs
    return float(
        np.mean(
            [run.test_accuracy for run in runs if (run.recipe, run.network, run.layout) == (recipe, network, layout)]
        )
    )


def test_the_table_gives_mean_and_deviation_over_the_seeds() -> None:
    assert "| course | cnn | given | 2 | 6,422 | 0.2500 ± 0.0000 | 91.00 ± 1.41 % | 2.0 |" in results.table(
        [a_run(0, accuracy=0.9), a_run(1, accuracy=0.92)]
    )


def test_a_learned_mask_is_counted_beside_the_parameters() -> None:
    assert "| 1 | 6,422 and a mask of 33,000 bits |" in results.table([a_run(mask_bits=33_000)])


def test_what_is_written_is_what_is_read_a_line_for_each_run(tmp_path: Path) -> None:
    kept = Results(runs=[a_run(0), a_run(1)], permutations={0: [2, 0, 1], 1: [0, 2, 1]})
    results.write(kept, tmp_path)
    assert results.read(tmp_path) == kept
    text = (tmp_path / "compare.json").read_text()
    assert sum("test_accuracy" in line for line in text.splitlines()) == 2
    assert json.loads(text)["runs"][0]["layout"] == "given"
    assert {path.name for path in tmp_path.iterdir()} == {"compare.json", "compare.md"}


def test_nothing_is_read_where_nothing_was_written(tmp_path: Path) -> None:
    assert results.read(tmp_path) == Results()


def test_runs_of_another_recipe_are_kept_and_those_of_the_same_replaced() -> None:
    old = Results(runs=[a_run(0), a_run(0, "best")], permutations={0: [0]})
    new = Results(runs=[a_run(5)], permutations={5: [0]})
    found = old.replaced("course", new)
    assert [(run.recipe, run.seed) for run in found.runs] == [("best", 0), ("course", 5)]
    assert set(found.permutations) == {0, 5}


def test_the_committed_table_is_that_of_the_committed_runs() -> None:
    assert (RESULTS_DIR / "compare.md").read_text() == results.table(results.read().runs)


def test_every_cell_of_every_recipe_is_committed_with_five_seeds() -> None:
    committed = {cell: {run.seed for run in runs} for cell, runs in results.cells(results.read().runs).items()}
    wanted = {(recipe, *cell): set(range(5)) for recipe in RECIPES for cell in CELLS[recipe]}
    assert committed == wanted


def test_the_committed_permutations_are_those_of_their_seeds() -> None:
    found = results.read().permutations
    assert set(found) == set(range(5))
    assert all(order == permutation(seed).tolist() for seed, order in found.items())


def test_the_committed_runs_show_what_permutation_costs_and_recovery_gives_back() -> None:
    for recipe in RECIPES:
        given, permuted, recovered = (accuracy(recipe, "cnn", layout) for layout in ("given", "permuted", "recovered"))
        assert permuted < given - 0.02
        assert recovered > permuted + 0.02
        assert abs(accuracy(recipe, "mlp", "given") - accuracy(recipe, "mlp", "permuted")) < 0.02


def test_the_committed_networks_keep_to_their_numbers() -> None:
    for run in results.read().runs:
        assert run.parameters <= {"cnn": 6422, "mlp": 6442, "sparse": 6442}[run.network]
        assert (run.mask_bits > 0) == (run.network == "sparse")
