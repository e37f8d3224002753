from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist
from src.model.experiments import runs
from src.model.experiments.results import Layout
from src.model.experiments.runs import RunConfig, TrainedRun, arrange_pixels, get_recipe, make_permutation, train_run
from src.model.training.fit import COURSE, Recipe


def test_permutation_is_undone_by_its_inverse(few_digits: Mnist) -> None:
    order = make_permutation(0)
    permuted = few_digits.permute_pixels(order)
    assert not torch.equal(permuted.train.images, few_digits.train.images)
    assert torch.equal(permuted.permute_pixels(order.argsort()).train.images, few_digits.train.images)


def test_each_seed_has_its_own_permutation() -> None:
    assert torch.equal(make_permutation(3), make_permutation(3))
    assert torch.equal(make_permutation(3).sort().values, torch.arange(784))
    assert not torch.equal(make_permutation(3), make_permutation(4))


def test_all_parts_get_the_same_permutation_and_keep_their_labels(few_digits: Mnist) -> None:
    permuted = arrange_pixels(few_digits, "permuted", 0)
    parts = (permuted.train, permuted.validation, permuted.test)
    assert all(torch.equal(part.images, permuted.train.images) for part in parts)
    assert torch.equal(permuted.test.labels, few_digits.test.labels)


def test_layout_is_recovered_from_the_permuted_training_pictures(
    few_digits: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make_permutation(0)

    def recover_from_permuted(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        assert np.array_equal(images, few_digits.train.images.flatten(1)[:, order])
        return order.numpy()

    monkeypatch.setattr(runs, "recover_layout", recover_from_permuted)
    recovered = arrange_pixels(few_digits, "recovered", 0)
    assert torch.equal(recovered.test.images, few_digits.test.images)


@pytest.mark.parametrize(
    ("network", "layout", "distorted"),
    [("cnn", "given", True), ("cnn", "recovered", True), ("cnn", "permuted", False), ("mlp", "given", False)],
)
def test_only_the_cnn_with_a_layout_learns_from_distorted_pictures(
    network: str, layout: Layout, distorted: bool
) -> None:
    assert (get_recipe(RunConfig("best", network, layout, 0)).distortion != NONE) is distorted
    assert get_recipe(RunConfig("course", network, layout, 0)) == COURSE


def test_course_recipe_has_the_published_hyperparameters() -> None:
    assert (COURSE.epochs, COURSE.batch, COURSE.learning_rate, COURSE.momentum) == (1, 64, 0.01, 0.5)
    assert COURSE.optimiser == "sgd"


def test_run_is_reproducible(few_digits: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runs.RECIPES, "course", Recipe(epochs=2, batch=20, optimiser="sgd", distortion=NONE))
    first, second = (train_run(few_digits, RunConfig("course", "mlp", "permuted", 1)) for _ in range(2))
    assert first.run.model_copy(update={"seconds": 0}) == second.run.model_copy(update={"seconds": 0})
    assert torch.equal(first.logits, second.logits)
    assert first.run.parameters == 6442
    assert len(first.run.learning) == 2


def test_run_is_saved_and_loaded(few_digits: Mnist, tmp_path: Path) -> None:
    recipe = replace(COURSE, batch=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(runs.RECIPES, "course", recipe)
        saved = train_run(few_digits, RunConfig("course", "cnn", "given", 0))
    path = tmp_path / "runs" / "run.pt"
    saved.save(path)
    loaded = TrainedRun.load(path)
    assert loaded.run == saved.run
    assert torch.equal(loaded.logits, saved.logits)
    assert all(torch.equal(loaded.weights[name], value) for name, value in saved.weights.items())
    assert list(path.parent.iterdir()) == [path]
