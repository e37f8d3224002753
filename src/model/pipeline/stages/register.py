"""Stage `register`: enters the release in the model registry as the candidate for production."""

import sys

from src.model.inference.artefact import find_newest
from src.model.pipeline import registry
from src.model.pipeline.paths import RELEASE
from src.model.pipeline.stages.validate_model import find_production
from src.model.pipeline.tracking import StageRun, read_report, run_stage


def register(run: StageRun) -> None:
    """Register the release; before the first one, register the network that serves already."""
    if not registry.find(registry.PRODUCTION) and (production := find_production()):
        registry.register(production, run.run_id, "", registry.PRODUCTION)
    replaces = str(read_report("gate")["against"])
    candidate = registry.register(find_newest(RELEASE), run.run_id, replaces, registry.CANDIDATE)
    run.set_tags(version=candidate.version, replaces=replaces)
    run.write_report("registered", {"version": candidate.version, "number": candidate.number, "replaces": replaces})


if __name__ == "__main__":
    sys.exit(run_stage("register", register))
