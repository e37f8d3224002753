"""Which network is in production: known by an alias, changed by one command, and taken back by another."""

import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest

from src.model.files import write_text_atomically
from src.model.inference.artefact import describe, find_newest, get_paths, list_versions
from src.model.pipeline import promote, registry
from src.model.pipeline.registry import CANDIDATE, PRODUCTION, Registered
from src.model.pipeline.stages.package import next_version
from src.model.pipeline.tracking import recorded
from src.settings import ROOT

pytestmark = pytest.mark.usefixtures("_own_record")


def release(folder: Path, version: str) -> Path:
    """Put the shipped network under another version into `folder`."""
    source, made = find_newest(ROOT / "model"), get_paths(folder, version)
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("pt", "onnx"):
        shutil.copyfile(source.with_suffix(f".{kind}"), made[kind])
    write_text_atomically(made["json"], describe(source).model_copy(update={"version": version}).model_dump_json())
    return made["json"]


def registered(folder: Path, version: str, replaces: str, alias: str) -> Registered:
    with recorded("register") as record:
        return registry.register(release(folder, version), record.run_id, replaces, alias)


@pytest.fixture
def model_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that a service would look at, with version 1.0.0 in production and 1.0.1 as a candidate."""
    folder = tmp_path / "model"

    class Here:
        model_dir = folder

    monkeypatch.setattr(promote, "get_settings", Here)
    monkeypatch.setattr(promote, "RESULTS_DIR", tmp_path / "results")
    release(folder, "1.0.0")
    registered(tmp_path / "made", "1.0.0", "", PRODUCTION)
    registered(tmp_path / "made", "1.0.1", "1.0.0", CANDIDATE)
    return folder


def in_production() -> str:
    found = registry.find(PRODUCTION)
    assert found
    return found.version


def test_the_candidate_goes_into_production_whole(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert promote.main([]) == 0
    assert capsys.readouterr().out == "1.0.1 is in production.\n"
    assert describe(find_newest(model_dir)).version == in_production() == "1.0.1"


def test_one_command_goes_back_and_what_was_taken_back_is_kept(model_dir: Path, tmp_path: Path) -> None:
    promote.main([])
    assert promote.main(["--rollback"]) == 0
    assert list_versions(model_dir) == ["1.0.0"]
    assert in_production() == "1.0.0"
    assert (
        describe(registry.fetch(registry.find_version("1.0.1"), tmp_path / "again", tmp_path / "figures")).version
        == "1.0.1"
    )


def test_the_figures_come_and_go_with_the_network(model_dir: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    for folder in (results, tmp_path / "made"):
        write_text_atomically(folder / "evaluation-1.0.0.json", "{}")
        write_text_atomically(folder / "evaluation-1.0.2.json", "{}")
    registered(tmp_path / "made", "1.0.2", "1.0.0", CANDIDATE)
    (results / "evaluation-1.0.2.json").unlink()
    promote.main([])
    assert {path.name for path in results.iterdir()} == {"evaluation-1.0.0.json", "evaluation-1.0.2.json"}
    promote.main(["--rollback"])
    assert {path.name for path in results.iterdir()} == {"evaluation-1.0.0.json"}
    assert list_versions(model_dir) == ["1.0.0"]


def test_a_network_that_is_gone_from_the_folder_comes_back_from_the_registry(model_dir: Path) -> None:
    promote.main([])
    for path in get_paths(model_dir, "1.0.0").values():
        path.unlink()
    promote.main(["--rollback"])
    assert describe(find_newest(model_dir)).version == "1.0.0"


def test_the_first_network_has_nothing_to_go_back_to(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert promote.main(["--rollback"]) == 1
    assert "replaced nothing" in capsys.readouterr().err
    assert list_versions(model_dir) == ["1.0.0"]


def test_a_candidate_that_was_held_against_another_is_not_delivered(
    model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(tmp_path / "made", "1.0.2", "1.0.0", CANDIDATE)
    registry.name(PRODUCTION, registry.find_version("1.0.1"))
    assert promote.main([]) == 1
    assert "run the pipeline again" in capsys.readouterr().err
    assert list_versions(model_dir) == ["1.0.0"]


def test_without_a_candidate_a_sentence_says_how_to_make_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert promote.main([]) == 1
    assert "make pipeline" in capsys.readouterr().err


def test_a_stage_that_fails_is_recorded_as_failed() -> None:
    def broken() -> None:
        with recorded("train"):
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it has no message
        broken()
    (run,) = mlflow.MlflowClient().search_runs(["1"])
    tags: dict[str, Any] = run.data.tags
    assert run.info.status == "FAILED"
    assert (tags["stage"], tags["reason"]) == ("train", "demand")
    assert tags["git_commit"]
    assert "torch" in tags["libraries"]


@pytest.mark.parametrize(
    ("taken", "following"),
    [([], "0.0.1"), (["0.0.9", "0.0.10"], "0.0.11"), (["1.2.3", "cnn-7.0.0", "0.9.9"], "1.2.4")],
)
def test_a_release_gets_the_version_after_the_newest(taken: list[str], following: str) -> None:
    assert next_version(taken) == following
