import json
from pathlib import Path

import pytest

from src.model.evaluation.report import evaluation_path, load_evaluation, save_evaluation
from src.settings import RESULTS_DIR
from tests.model.evaluations import make_evaluation

COMMITTED = sorted(RESULTS_DIR.glob("evaluation-*.json"))


def test_evaluation_is_saved_and_loaded_unchanged(tmp_path: Path) -> None:
    path = save_evaluation(make_evaluation(), tmp_path)
    assert path == evaluation_path("1.0.0", tmp_path)
    assert load_evaluation(path) == make_evaluation()


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_saving_a_committed_evaluation_again_changes_nothing(path: Path, tmp_path: Path) -> None:
    saved = save_evaluation(load_evaluation(path), tmp_path)
    assert saved.name == path.name
    assert saved.read_text() == path.read_text()
    assert {"pictures", "practice", "others"} <= json.loads(saved.read_bytes()).keys()
