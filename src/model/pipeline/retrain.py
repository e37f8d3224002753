"""Train a new network if there is a reason to, and put it into production if it passes the release gate.

python -m src.model.pipeline.retrain --metrics http://127.0.0.1:8000/metrics --deliver     for a schedule
python -m src.model.pipeline.retrain --now                                                 on demand

With `--service`, or `DIGITS_SERVICE`, `src/model/pipeline/canary/trial.py` delivers the network: it is tried on live
traffic first.

New corrected pictures are copied from `DIGITS_FEEDBACK_DIR` to data/feedback. If the gate refuses the network that
learned from them, they move to data/refused for a person to look at. If the pipeline stops for another reason, they are
copied again next time. Either way the network in production stays.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from src.model.errors import DigitError
from src.model.inference.artefact import describe, find_newest
from src.model.monitoring import drift
from src.model.params import Triggers, read_params
from src.model.pipeline import promote
from src.model.pipeline.canary import trial
from src.model.pipeline.feedback import is_whole, list_notes, list_pictures
from src.model.pipeline.paths import BUILD, FEEDBACK, REFUSED
from src.settings import ROOT, Settings, get_settings

REFUSAL: Final = BUILD / "refused.json"  # written only if the release gate refuses the candidate


def main(arguments: list[str] | None = None) -> int:
    """Run the pipeline if there is a reason; return the exit status."""
    options = _parser().parse_args(arguments)
    settings = get_settings()
    try:
        reasons = ["demand"] if options.now else find_reasons(read_params().triggers, settings, options.metrics)
    except (DigitError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(reasons or ["There is no reason to train."]) + "\n")
    if not reasons:
        return 0
    if not run_pipeline(find_new_notes(settings.feedback_dir), ", ".join(reasons)):
        return 1
    return deliver(options.service or settings.service) if options.deliver else 0


def find_reasons(triggers: Triggers, settings: Settings, metrics: str | None) -> list[str]:
    """Return the reasons for a training, a phrase each; `metrics` is the address of the service's /metrics, or None.

    Raises `DigitError` or `OSError` if the metrics or the network in production can't be read.
    """
    reasons = []
    if (new := len(find_new_notes(settings.feedback_dir))) >= triggers.new_pictures:
        reasons.append(f"feedback: {new} corrected pictures since the last run")
    if metrics:
        version = drift.find_serving_version()
        verdicts = drift.judge(drift.read_reference(version), drift.read_metrics(metrics, version), triggers)
        reasons += [f"drift: {verdict}" for verdict in verdicts if verdict.drifted]
    created = datetime.fromisoformat(describe(settings.model_file or find_newest(settings.model_dir)).created)
    if datetime.now(UTC) - created > timedelta(days=triggers.oldest_days):
        reasons.append(f"schedule: the network in production is of {created:%Y-%m-%d}")
    return reasons


def find_new_notes(folder: Path | None) -> list[Path]:
    """Return the notes in `folder` that no run has used."""
    used = {path.name for known in (FEEDBACK, REFUSED) for path in list_notes(known)}
    return [path for path in list_notes(folder) if path.name not in used] if folder else []


def run_pipeline(notes: list[Path], reason: str) -> bool:
    """Copy corrected pictures to where the pipeline reads them and run it; return whether it made a release."""
    REFUSAL.unlink(missing_ok=True)
    FEEDBACK.mkdir(parents=True, exist_ok=True)
    copies = []
    for note in notes:
        if is_whole(note):
            copies += [Path(shutil.copy2(path, FEEDBACK)) for path in (*list_pictures(note), note)]
        else:
            sys.stderr.write(f"{note.name} is damaged or lacks its picture, and is left out.\n")
    if run_dvc(reason) == 0:
        return True
    if REFUSAL.exists():
        REFUSED.mkdir(parents=True, exist_ok=True)
        for path in copies:
            path.replace(REFUSED / path.name)
        sys.stderr.write("The release gate refused the network; the one in production stays.\n")
    else:
        for path in copies:
            path.unlink()
        sys.stderr.write("The pipeline stopped; the network in production stays.\n")
    return False


def deliver(services: Sequence[str]) -> int:
    """Put the candidate into production, after a trial on the services if there are any; return the exit status."""
    if not services:
        return promote.main([])
    return trial.main([f"--service={service}" for service in services])


def run_dvc(reason: str) -> int:
    """Run every stage whose dependencies have changed; return the exit status."""
    python_dir = str(Path(sys.executable).parent)  # so that the stages' `python` is this one
    changes = {"PATH": os.pathsep.join([python_dir, os.environ.get("PATH", "")]), "DIGITS_RETRAIN_REASON": reason}
    return subprocess.run(
        [sys.executable, "-m", "dvc", "repro"], cwd=ROOT, env=os.environ | changes, check=False
    ).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--now", action="store_true", help="train without looking for a reason")
    parser.add_argument("--metrics", help="address of the service's /metrics, to look for drift")
    parser.add_argument("--deliver", action="store_true", help="put the network into production if it passes the gate")
    parser.add_argument(
        "--service",
        action="append",
        help="address of the service, to try the network there first; may be repeated",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
