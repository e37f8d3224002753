import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest

from src.model.files import write_text_atomically
from src.model.inference.artefact import describe, find_newest, get_paths, list_versions
from src.model.inference.signature import Trust, sign
from src.model.pipeline import promote, registry
from src.model.pipeline.registry import CANDIDATE, PRODUCTION, Registered
from src.model.pipeline.stages.package import next_version
from src.model.pipeline.tracking import track
from src.settings import ROOT, Settings
from tests.signing import make_key

pytestmark = pytest.mark.usefixtures("_own_record")


def write_release(folder: Path, version: str) -> Path:
    """Write the released network under another version into `folder`; return its .json."""
    source, files = find_newest(ROOT / "model"), get_paths(folder, version)
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("pt", "onnx"):
        shutil.copyfile(source.with_suffix(f".{kind}"), files[kind])
    write_text_atomically(files["json"], describe(source).model_copy(update={"version": version}).model_dump_json())
    return files["json"]


def register(folder: Path, version: str, replaces: str, alias: str) -> Registered:
    with track("register") as run:
        return registry.register(write_release(folder, version), run.run_id, replaces, alias)


@pytest.fixture
def model_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a service's folder with version 1.0.0 in production; 1.0.1 is the candidate."""
    folder = tmp_path / "model"

    class FakeSettings:
        model_dir = folder

    monkeypatch.setattr(promote, "get_settings", FakeSettings)
    monkeypatch.setattr(promote, "RESULTS_DIR", tmp_path / "results")
    write_release(folder, "1.0.0")
    register(tmp_path / "made", "1.0.0", "", PRODUCTION)
    register(tmp_path / "made", "1.0.1", "1.0.0", CANDIDATE)
    return folder


def in_production() -> str:
    network = registry.find(PRODUCTION)
    assert network
    return network.version


def test_candidate_is_promoted(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert promote.main([]) == 0
    assert capsys.readouterr().out == "1.0.1 is in production.\n"
    assert describe(find_newest(model_dir)).version == in_production() == "1.0.1"


def test_rollback_restores_the_previous_network_and_keeps_the_other(model_dir: Path, tmp_path: Path) -> None:
    promote.main([])
    assert promote.main(["--rollback"]) == 0
    assert list_versions(model_dir) == ["1.0.0"]
    assert in_production() == "1.0.0"
    again = registry.install(registry.find_version("1.0.1"), tmp_path / "again", tmp_path / "results")
    assert describe(again).version == "1.0.1"


def test_results_come_and_go_with_the_network(model_dir: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    for folder in (results, tmp_path / "made"):
        write_text_atomically(folder / "evaluation-1.0.0.json", "{}")
        write_text_atomically(folder / "evaluation-1.0.2.json", "{}")
    register(tmp_path / "made", "1.0.2", "1.0.0", CANDIDATE)
    (results / "evaluation-1.0.2.json").unlink()
    promote.main([])
    assert {path.name for path in results.iterdir()} == {"evaluation-1.0.0.json", "evaluation-1.0.2.json"}
    promote.main(["--rollback"])
    assert {path.name for path in results.iterdir()} == {"evaluation-1.0.0.json"}
    assert list_versions(model_dir) == ["1.0.0"]


def test_network_deleted_from_the_folder_is_restored_from_the_registry(model_dir: Path) -> None:
    promote.main([])
    for path in get_paths(model_dir, "1.0.0").values():
        path.unlink()
    promote.main(["--rollback"])
    assert describe(find_newest(model_dir)).version == "1.0.0"


def test_signature_comes_and_goes_with_the_network(model_dir: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path)
    sign(write_release(tmp_path / "made", "1.0.2"), key.private)
    register(tmp_path / "made", "1.0.2", "1.0.0", CANDIDATE)
    promote.main([])
    Trust(Settings(trusted_key=key.public)).verify(get_paths(model_dir, "1.0.2")["json"])
    promote.main(["--rollback"])
    assert {path.name for path in model_dir.iterdir()} == {path.name for path in get_paths(model_dir, "1.0.0").values()}


def test_first_network_can_not_be_rolled_back(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert promote.main(["--rollback"]) == 1
    assert "has replaced no other" in capsys.readouterr().err
    assert list_versions(model_dir) == ["1.0.0"]


def test_candidate_compared_with_another_network_is_not_promoted(
    model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register(tmp_path / "made", "1.0.2", "1.0.0", CANDIDATE)
    registry.set_alias(PRODUCTION, registry.find_version("1.0.1"))
    assert promote.main([]) == 1
    assert "Run the pipeline again" in capsys.readouterr().err
    assert list_versions(model_dir) == ["1.0.0"]


def test_missing_candidate_is_reported_with_the_command_that_trains_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert promote.main([]) == 1
    assert "make pipeline" in capsys.readouterr().err


def test_failed_stage_is_recorded_as_failed() -> None:
    with pytest.raises(ValueError, match="out of memory"), track("train"):
        raise ValueError("out of memory")
    (run,) = mlflow.MlflowClient().search_runs(["1"])
    tags: dict[str, Any] = run.data.tags
    assert run.info.status == "FAILED"
    assert (tags["stage"], tags["reason"]) == ("train", "demand")
    assert tags["git_commit"]
    assert "torch" in tags["libraries"]


@pytest.mark.parametrize(
    ("known", "following"),
    [([], "0.0.1"), (["0.0.9", "0.0.10"], "0.0.11"), (["1.2.3", "cnn-7.0.0", "0.9.9"], "1.2.4")],
)
def test_release_gets_the_version_after_the_newest(known: list[str], following: str) -> None:
    assert next_version(known) == following
