"""The scripts that prepare a pod, run with folders in the places of its volumes, and the pipeline without Git."""

import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from src.model.inference.artefact import find_newest
from src.settings import ROOT
from tests.deploy.manifests import pods
from tests.test_delivery import copied_paths, instructions


def run_script(component: str, folder: Path, **places: Path) -> None:
    """Run the script that prepares a pod, with folders in the places of absolute paths. Raises if it fails."""
    (container,) = pods("production")[component]["initContainers"]
    (script,) = container["args"]
    for name, place in places.items():
        script = script.replace(f"/{name.replace('_', '/')}", shlex.quote(str(place)))
    subprocess.run([*container["command"], script], cwd=folder, check=True)


def names(folder: Path) -> set[str]:
    """Return the names of the networks' files in a folder."""
    return {path.name for path in folder.glob("mnist-*")}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return a folder with the files of the retraining image."""
    folder = tmp_path / "image"
    for name in copied_paths("jobs/retrain"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    return folder


def test_pods_that_start_together_fill_the_volume_once_with_all_networks(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        for started in [pool.submit(run_script, "api", ROOT, networks=tmp_path) for _ in range(4)]:
            started.result()
    assert names(tmp_path) == names(ROOT / "model")


def test_a_network_that_was_taken_away_stays_away(tmp_path: Path) -> None:
    run_script("api", ROOT, networks=tmp_path)
    newest = find_newest(tmp_path)
    newest.unlink()
    run_script("api", ROOT, networks=tmp_path)
    assert not newest.exists()


def test_a_volume_that_was_filled_in_part_is_filled_again(tmp_path: Path) -> None:
    weights = find_newest(ROOT / "model").with_suffix(".onnx")
    (tmp_path / weights.name).write_bytes(b"half of it")
    run_script("api", ROOT, networks=tmp_path)
    assert (tmp_path / weights.name).read_bytes() == weights.read_bytes()


def test_the_workspace_gets_the_code_of_the_image_and_keeps_the_record(image: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    (workspace / "src").mkdir(parents=True)
    (workspace / "src" / "removed.py").touch()
    (workspace / "mlruns").mkdir()
    run_script("retrain", tmp_path, workspace=workspace, srv_digits=image)
    assert (workspace / "mlruns").exists()
    assert not (workspace / "src" / "removed.py").exists()
    assert (workspace / "src" / "settings.py").exists()
    assert (workspace / ".dvc" / "config").exists()


def test_the_image_can_run_the_pipeline_without_git(image: Path) -> None:
    (setup,) = [line for line in instructions("jobs/retrain") if line.startswith("RUN ")]
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {"PATH": path, "DVC_SITE_CACHE_DIR": str(image / "cache")}
    subprocess.run(["sh", "-ec", setup.removeprefix("RUN ")], cwd=image, env=environment, check=True)
    command = [sys.executable, "-m", "dvc", "repro", "--dry", "download"]
    run = subprocess.run(command, cwd=image, env=environment, capture_output=True, text=True, check=True)
    assert "python -m src.model.pipeline.stages.download" in run.stdout
