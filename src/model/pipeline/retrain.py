"""Train anew where something asks for it, and put what passes the gate into production.

python -m src.model.pipeline.retrain --metrics http://127.0.0.1:8000/metrics --deliver     as often as you like
python -m src.model.pipeline.retrain --now                                                 on demand

Corrected pictures that weren't looked at before come from `DIGITS_FEEDBACK_DIR` into data/feedback. Where the gate
refuses what came of them they go to data/refused, for a person to look at, and the network in production stays. Where
the pipeline stops for another reason they are taken in again the next time.
"""

import argparse
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from src.model.errors import DigitError
from src.model.inference.artefact import describe, find_newest
from src.model.monitoring import drift
from src.model.params import Triggers, read_params
from src.model.pipeline import promote
from src.model.pipeline.feedback import notes
from src.model.pipeline.paths import BUILD, FEEDBACK, REFUSED
from src.settings import ROOT, Settings, get_settings

REFUSAL: Final = BUILD / "refused.json"  # there only where the gate refused


def main(arguments: list[str] | None = None) -> int:
    """Run the pipeline if there is a reason; return the exit status."""
    options = _parser().parse_args(arguments)
    settings = get_settings()
    try:
        why = ["demand"] if options.now else reasons(read_params().triggers, settings, options.metrics)
    except (DigitError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(why or ["Nothing asks for a new training."]) + "\n")
    if not why:
        return 0
    if not run(unseen(settings.feedback_dir), ", ".join(why)):
        return 1
    return promote.main([]) if options.deliver else 0


def run(notes: list[Path], reason: str) -> bool:
    """Take corrected pictures in and run the pipeline; return whether it came to a release."""
    REFUSAL.unlink(missing_ok=True)
    new = collect(notes)
    if reproduce(reason) == 0:
        return True
    if REFUSAL.exists():
        refuse(new)
        sys.stderr.write("The gate refused; the network in production stays.\n")
        return False
    for path in new:
        path.unlink()
    sys.stderr.write("The pipeline stopped; the network in production stays.\n")
    return False


def collect(notes: list[Path]) -> list[Path]:
    """Copy pictures with their notes to where the pipeline finds them; return what was copied."""
    FEEDBACK.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copy2(path, FEEDBACK)) for note in notes for path in _with_picture(note)]


def refuse(files: list[Path]) -> None:
    """Take pictures away from the pipeline again, to be looked at."""
    REFUSED.mkdir(parents=True, exist_ok=True)
    for path in files:
        path.replace(REFUSED / path.name)


def _with_picture(note: Path) -> list[Path]:
    return sorted(path for path in note.parent.glob(f"{note.stem}.*") if path.suffix != ".part")


def reproduce(reason: str) -> int:
    """Run every stage whose inputs have changed; return the exit status."""
    here = str(Path(sys.executable).parent)  # the stages' `python` is this one
    others = {"PATH": os.pathsep.join([here, os.environ.get("PATH", "")]), "DIGITS_RETRAIN_REASON": reason}
    return subprocess.run(
        [sys.executable, "-m", "dvc", "repro"], cwd=ROOT, env=os.environ | others, check=False
    ).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--now", action="store_true", help="whether or not anything asks for it")
    parser.add_argument("--metrics", help="address of the service's /metrics, to look for drift")
    parser.add_argument("--deliver", action="store_true", help="put what passes the gate into production")
    return parser


if __name__ == "__main__":
    sys.exit(main())


def reasons(triggers: Triggers, settings: Settings, metrics: str | None) -> list[str]:
    """Return a sentence for each; `metrics` is where the service counts. Raises `DigitError`, `OSError`."""
    found = []
    if (new := len(unseen(settings.feedback_dir))) >= triggers.new_pictures:
        found.append(f"feedback: {new} corrected pictures since the last run")
    if metrics:
        version = drift.find_serving_version()
        verdicts = drift.judge(drift.read_reference(version), drift.read_metrics(metrics, version), triggers)
        found += [f"drift: {each}" for each in verdicts if each.drifted]
    made = datetime.fromisoformat(describe(settings.model_file or find_newest(settings.model_dir)).created)
    if datetime.now(UTC) - made > timedelta(days=triggers.oldest_days):
        found.append(f"schedule: the network in production is of {made:%Y-%m-%d}")
    return found


def unseen(folder: Path | None) -> list[Path]:
    """Return the notes under `folder` that no run has looked at."""
    seen = {path.name for known in (FEEDBACK, REFUSED) for path in notes(known)}
    return [path for path in notes(folder) if path.name not in seen] if folder else []
