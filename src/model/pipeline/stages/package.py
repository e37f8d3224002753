"""Stage: the candidate that passed the gate becomes a release, with its figures and what its pictures looked like."""

import shutil
import sys

from src.model.evaluation import report
from src.model.files import write_text_atomically
from src.model.inference.artefact import describe, get_paths, list_versions
from src.model.monitoring.baseline import write_reference
from src.model.pipeline import registry
from src.model.pipeline.paths import CANDIDATE, RELEASE
from src.model.pipeline.stages.evaluate import EVALUATION
from src.model.pipeline.tracking import StageRun, stage
from src.settings import get_settings


def package(record: StageRun) -> None:
    """Write the release: the candidate's three files under the next version, and the reference for drift."""
    version = next_version(
        list_versions(get_settings().model_dir) + [each.version for each in registry.all_registered()]
    )
    shutil.rmtree(RELEASE, ignore_errors=True)
    RELEASE.mkdir(parents=True)
    made = get_paths(RELEASE, version)
    for kind in ("pt", "onnx"):
        shutil.copyfile(CANDIDATE.with_suffix(f".{kind}"), made[kind])
    renamed = describe(CANDIDATE).model_copy(update={"version": version})
    write_text_atomically(made["json"], renamed.model_dump_json(indent=2) + "\n")
    describe(made["json"])
    figures = report.read(EVALUATION).model_copy(update={"version": version})
    record.files(made["json"], write_reference(made["json"], RELEASE), report.save(figures, RELEASE))
    record.tags(version=version)


def next_version(taken: list[str]) -> str:
    """Return the release after the newest of `taken`."""
    releases = [tuple(map(int, each.split("."))) for each in taken if each[0].isdigit()]
    major, minor, patch = max(releases, default=(0, 0, 0))
    return f"{major}.{minor}.{patch + 1}"


if __name__ == "__main__":
    sys.exit(stage("package", package))
