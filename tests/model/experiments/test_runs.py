from dataclasses import replace
from pathlib import Path

import pytest
import torch

from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist
from src.model.experiments import runs
from src.model.experiments.results import Layout
from src.model.experiments.runs import RunConfig, Trained, laid_out, permutation, recipe_for, train
from src.model.training.fit import COURSE, Recipe


def test_a_permutation_applied_and_inverted_is_the_identity(few_digits: Mnist) -> None:
    order = permutation(0)
    hidden = few_digits.permute_pixels(order)
    assert not torch.equal(hidden.train.images, few_digits.train.images)
    assert torch.equal(hidden.permute_pixels(order.argsort()).train.images, few_digits.train.images)


def test_each_seed_has_one_permutation_of_its_own() -> None:
    assert torch.equal(permutation(3), permutation(3))
    assert torch.equal(permutation(3).sort().values, torch.arange(784))
    assert not torch.equal(permutation(3), permutation(4))


def test_every_part_is_permuted_alike_and_keeps_its_labels(few_digits: Mnist) -> None:
    hidden = laid_out(few_digits, "permuted", 0)
    parts = (hidden.train, hidden.validation, hidden.test)
    assert all(torch.equal(part.images, hidden.train.images) for part in parts)
    assert torch.equal(hidden.test.labels, few_digits.test.labels)


def test_a_recovered_layout_is_made_from_the_permuted_training_pictures(
    few_digits: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = permutation(0)
    monkeypatch.setattr(runs, "recover_layout", lambda images: order.numpy() if images.shape == (100, 784) else None)
    recovered = laid_out(few_digits, "recovered", 0)
    assert torch.equal(recovered.test.images, few_digits.test.images)


@pytest.mark.parametrize(
    ("network", "layout", "distorted"),
    [("cnn", "given", True), ("cnn", "recovered", True), ("cnn", "permuted", False), ("mlp", "given", False)],
)
def test_pictures_are_distorted_only_where_the_layout_may_be_known(
    network: str, layout: Layout, distorted: bool
) -> None:
    assert (recipe_for(RunConfig("best", network, layout, 0)).distortion != NONE) is distorted
    assert recipe_for(RunConfig("course", network, layout, 0)) == COURSE


def test_the_courses_recipe_is_the_courses() -> None:
    assert (COURSE.epochs, COURSE.batch, COURSE.learning_rate, COURSE.momentum) == (1, 64, 0.01, 0.5)
    assert COURSE.optimiser == "sgd"


def test_a_cell_is_trained_and_scored_the_same_every_time(few_digits: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runs.RECIPES, "course", Recipe(epochs=2, batch=20, optimiser="sgd", distortion=NONE))
    one, again = (train(few_digits, RunConfig("course", "mlp", "permuted", 1)) for _ in range(2))
    assert one.run.model_copy(update={"seconds": 0}) == again.run.model_copy(update={"seconds": 0})
    assert torch.equal(one.logits, again.logits)
    assert one.run.parameters == 6442
    assert len(one.run.learning) == 2


def test_a_trained_cell_comes_back_from_its_file(few_digits: Mnist, tmp_path: Path) -> None:
    recipe = replace(COURSE, batch=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(runs.RECIPES, "course", recipe)
        kept = train(few_digits, RunConfig("course", "cnn", "given", 0))
    path = tmp_path / "kept" / "one.pt"
    kept.save(path)
    found = Trained.load(path)
    assert found.run == kept.run
    assert torch.equal(found.logits, kept.logits)
    assert all(torch.equal(found.weights[name], value) for name, value in kept.weights.items())
    assert [each.name for each in path.parent.iterdir()] == ["one.pt"]
