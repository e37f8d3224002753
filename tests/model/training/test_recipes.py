from dataclasses import replace
from pathlib import Path

import pytest

from src.model.inference.artefact import describe
from src.model.training import recipes
from src.model.training.recipes import CONFIGS, checkpoint_path


def test_training_never_resumes_with_another_recipe_or_other_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digit, micro = CONFIGS["digit"], CONFIGS["micro"]
    configs = [digit, replace(digit, epochs=1), replace(digit, teachers=("1.1.0",)), micro]
    before = [checkpoint_path(config, seed, tmp_path) for config in configs for seed in (0, 1)]
    monkeypatch.setattr(recipes, "EDITION", "0.0")
    after = [checkpoint_path(config, seed, tmp_path) for config in configs for seed in (0, 1)]
    assert len(set(before)) == len(before)
    assert not set(before[:6]) & set(after)
    assert before[6:] == after[6:]  # micro uses no synthetic pictures


def test_every_configured_teacher_is_there() -> None:
    versions = {version for config in CONFIGS.values() for version in config.teachers}
    assert versions
    assert {describe(path).version for path in recipes.find_teachers(versions)} == versions
