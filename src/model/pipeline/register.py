"""Stage: the release enters the registry as `candidate`, beside the one in production, which it may replace."""

import sys

from src.model.artefact import newest, newest_first
from src.model.errors import ArtefactError
from src.model.pipeline import registry
from src.model.pipeline.params import RELEASE
from src.model.pipeline.record import Record, stage
from src.settings import get_settings


def register(record: Record) -> None:
    """Register the release; the first time, what serves already is registered before it."""
    production = registry.find(registry.PRODUCTION) or _first(record)
    replaces = production.version if production else ""
    made = registry.register(newest(RELEASE), record.run_id, replaces, registry.CANDIDATE)
    record.tags(version=made.version, replaces=replaces)
    record.report("registered", {"version": made.version, "number": made.number, "replaces": replaces})


def _first(record: Record) -> registry.Registered | None:
    """Register what serves before there is a registry."""
    try:
        serving = newest_first(get_settings().model_dir)[0]
    except ArtefactError:
        return None
    return registry.register(serving, record.run_id, "", registry.PRODUCTION)


if __name__ == "__main__":
    sys.exit(stage("register", register))
