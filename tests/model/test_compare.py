import json
from pathlib import Path

import numpy as np
import pytest
import torch

from src.model import compare
from src.model.augment import NONE
from src.model.compare import Layout, Run
from src.model.dataset import Mnist
from src.model.fit import COURSE, Recipe


def a_run(seed: int = 0, recipe: str = "course", accuracy: float = 0.9) -> Run:
    return Run(
        recipe=recipe,
        network="cnn",
        layout="given",
        seed=seed,
        parameters=6422,
        test_loss=0.25,
        test_accuracy=accuracy,
        seconds=2,
    )


def test_a_permutation_applied_and_inverted_is_the_identity(few_digits: Mnist) -> None:
    order = compare.permutation(0)
    hidden = few_digits.rearranged(order)
    assert not torch.equal(hidden.train.images, few_digits.train.images)
    assert torch.equal(hidden.rearranged(order.argsort()).train.images, few_digits.train.images)


def test_each_seed_has_one_permutation_of_its_own() -> None:
    assert torch.equal(compare.permutation(3), compare.permutation(3))
    assert torch.equal(compare.permutation(3).sort().values, torch.arange(784))
    assert not torch.equal(compare.permutation(3), compare.permutation(4))


def test_every_part_is_permuted_alike_and_keeps_its_labels(few_digits: Mnist) -> None:
    hidden = compare.laid_out(few_digits, "permuted", 0)
    parts = (hidden.train, hidden.validation, hidden.test)
    assert all(torch.equal(part.images, hidden.train.images) for part in parts)
    assert torch.equal(hidden.test.labels, few_digits.test.labels)


def test_a_recovered_layout_is_made_from_the_permuted_training_pictures(
    few_digits: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = compare.permutation(0)
    monkeypatch.setattr(compare, "recover_layout", lambda images: order.numpy() if images.shape == (100, 784) else None)
    recovered = compare.laid_out(few_digits, "recovered", 0)
    assert torch.equal(recovered.test.images, few_digits.test.images)


@pytest.mark.parametrize(
    ("network", "layout", "distorted"),
    [("cnn", "given", True), ("cnn", "recovered", True), ("cnn", "permuted", False), ("mlp", "given", False)],
)
def test_pictures_are_distorted_only_where_the_layout_may_be_known(
    network: str, layout: Layout, distorted: bool
) -> None:
    assert (compare.recipe_for("best", network, layout).distortion != NONE) is distorted
    assert compare.recipe_for("course", network, layout) == COURSE


def test_the_courses_recipe_is_the_courses() -> None:
    assert (COURSE.epochs, COURSE.batch, COURSE.learning_rate, COURSE.momentum) == (1, 64, 0.01, 0.5)
    assert COURSE.optimiser == "sgd"


def test_a_cell_is_trained_and_scored_the_same_every_time(few_digits: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(compare.RECIPES, "course", Recipe(epochs=2, batch=20, optimiser="sgd", distortion=NONE))
    one, again = (compare.run(few_digits, "course", "mlp", "permuted", 1) for _ in range(2))
    assert one.model_copy(update={"seconds": 0}) == again.model_copy(update={"seconds": 0})
    assert one.parameters == 6442


def test_the_table_gives_mean_and_deviation_over_the_seeds() -> None:
    assert "| course | cnn | given | 2 | 6,422 | 0.2500 ± 0.0000 | 91.00 ± 1.41 % | 2.0 |" in compare.table(
        [a_run(0, accuracy=0.9), a_run(1, accuracy=0.92)]
    )


def test_runs_of_another_recipe_are_kept_and_those_of_the_same_replaced(tmp_path: Path) -> None:
    compare.save(tmp_path, [a_run(0), a_run(0, "best")])
    compare.save(tmp_path, compare.merged(tmp_path, [a_run(5)], "course"))
    found = [(one["recipe"], one["seed"]) for one in json.loads((tmp_path / "compare.json").read_text())["runs"]]
    assert found == [("best", 0), ("course", 5)]
    assert {path.name for path in tmp_path.iterdir()} == {"compare.json", "compare.md"}


def test_the_committed_table_is_that_of_the_committed_runs() -> None:
    runs = [Run.model_validate(one) for one in json.loads((compare.RESULTS / "compare.json").read_text())["runs"]]
    assert (compare.RESULTS / "compare.md").read_text() == compare.table(runs)
    assert {(one.network, one.layout) for one in runs} == set(compare.CELLS)


def test_the_committed_runs_show_what_permutation_costs_and_recovery_gives_back() -> None:
    runs = [Run.model_validate(one) for one in json.loads((compare.RESULTS / "compare.json").read_text())["runs"]]
    cnn = {
        layout: np.mean([one.test_accuracy for one in runs if (one.network, one.layout) == ("cnn", layout)])
        for layout in ("given", "permuted", "recovered")
    }
    assert cnn["permuted"] < cnn["given"] - 0.05
    assert cnn["recovered"] > cnn["permuted"] + 0.05
