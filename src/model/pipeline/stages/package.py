"""Stage `package`: turns the candidate that passed the gate into a release with a version of its own."""

import shutil
import sys

from src.model.evaluation.report import load_evaluation, save_evaluation
from src.model.files import write_text_atomically
from src.model.inference.artefact import describe, get_paths, list_versions
from src.model.inference.signature import sign
from src.model.monitoring.baseline import write_reference
from src.model.pipeline import registry
from src.model.pipeline.paths import CANDIDATE, EVALUATION, RELEASE
from src.model.pipeline.tracking import StageRun, run_stage
from src.settings import get_settings


def package(run: StageRun) -> None:
    """Write the release: the candidate's three files under the next version, its evaluation, its baseline for drift.

    With `DIGITS_SIGNING_KEY` it is signed, before it is registered and delivered.
    """
    settings = get_settings()
    known = list_versions(settings.model_dir) + [network.version for network in registry.list_networks()]
    version = next_version(known)
    shutil.rmtree(RELEASE, ignore_errors=True)
    RELEASE.mkdir(parents=True)
    files = get_paths(RELEASE, version)
    for kind in ("pt", "onnx"):
        shutil.copyfile(CANDIDATE.with_suffix(f".{kind}"), files[kind])
    renamed = describe(CANDIDATE).model_copy(update={"version": version})
    write_text_atomically(files["json"], renamed.model_dump_json(indent=2) + "\n")
    describe(files["json"])  # raises if the copies are not whole
    if settings.signing_key:
        sign(files["json"], settings.signing_key)
    evaluation = load_evaluation(EVALUATION).model_copy(update={"version": version})
    run.log_files(files["json"], write_reference(files["json"], RELEASE), save_evaluation(evaluation, RELEASE))
    run.set_tags(version=version)


def next_version(known: list[str]) -> str:
    """Return the patch release after the newest of the `known` versions; versions with a prefix don't count."""
    releases = [tuple(map(int, version.split("."))) for version in known if version[0].isdigit()]
    major, minor, patch = max(releases, default=(0, 0, 0))
    return f"{major}.{minor}.{patch + 1}"


if __name__ == "__main__":
    sys.exit(run_stage("package", package))
