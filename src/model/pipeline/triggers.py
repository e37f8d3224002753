"""What asks for a new training: corrected pictures, drift, or that the last one is long ago."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from src.model.artefact import describe, newest
from src.model.pipeline import drift
from src.model.pipeline.corrected import notes
from src.model.pipeline.params import FEEDBACK, REFUSED, Triggers
from src.settings import Settings


def reasons(triggers: Triggers, settings: Settings, metrics: str | None) -> list[str]:
    """Return a sentence for each; `metrics` is where the service counts. Raises `DigitError`, `OSError`."""
    found = []
    if (new := len(unseen(settings.feedback_dir))) >= triggers.new_pictures:
        found.append(f"feedback: {new} corrected pictures since the last run")
    if metrics:
        version = drift.serving()
        verdicts = drift.judge(drift.reference_of(version), drift.served(metrics, version), triggers)
        found += [f"drift: {each}" for each in verdicts if each.drifted]
    made = datetime.fromisoformat(describe(settings.model_file or newest(settings.model_dir)).created)
    if datetime.now(UTC) - made > timedelta(days=triggers.oldest_days):
        found.append(f"schedule: the network in production is of {made:%Y-%m-%d}")
    return found


def unseen(folder: Path | None) -> list[Path]:
    """Return the notes under `folder` that no run has looked at."""
    seen = {path.name for known in (FEEDBACK, REFUSED) for path in notes(known)}
    return [path for path in notes(folder) if path.name not in seen] if folder else []
