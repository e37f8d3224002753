"""Stage: the release enters the registry as `candidate`, beside the one in production, which it may replace."""

import sys

from src.model.inference.artefact import find_newest
from src.model.pipeline import registry
from src.model.pipeline.paths import RELEASE
from src.model.pipeline.stages.validate_model import in_production
from src.model.pipeline.tracking import StageRun, read_report, stage


def register(record: StageRun) -> None:
    """Register the release; the first time, what serves already is registered before it."""
    if not registry.find(registry.PRODUCTION):
        _first(record)
    replaces = str(read_report("gate")["against"])
    made = registry.register(find_newest(RELEASE), record.run_id, replaces, registry.CANDIDATE)
    record.tags(version=made.version, replaces=replaces)
    record.report("registered", {"version": made.version, "number": made.number, "replaces": replaces})


def _first(record: StageRun) -> None:
    """Register what serves before there is a registry."""
    if serving := in_production():
        registry.register(serving, record.run_id, "", registry.PRODUCTION)


if __name__ == "__main__":
    sys.exit(stage("register", register))
