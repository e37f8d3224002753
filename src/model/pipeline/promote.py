"""Put a network into production, or take it back.

python -m src.model.pipeline.promote                  the registry's candidate
python -m src.model.pipeline.promote --rollback       the one before

Its files go into the folder that the service looks at (`DIGITS_MODEL_DIR`), and the registry's alias `production`
moves. The service picks it up by itself, and loses no request.
"""

import argparse
import sys

from src.model.errors import DigitError
from src.model.inference.artefact import get_paths
from src.model.pipeline import registry
from src.model.pipeline.registry import CANDIDATE, PRODUCTION, Registered, RegistryError
from src.settings import RESULTS_DIR, get_settings


def promote() -> Registered:
    """Put the candidate into production. Raises `DigitError`."""
    candidate = registry.find(CANDIDATE)
    if candidate is None:
        raise RegistryError("There is no candidate: `make pipeline` makes one.")
    production = registry.find(PRODUCTION)
    if production and candidate.number != production.number and candidate.replaces != production.version:
        raise RegistryError(
            f"{candidate.version} was held against {candidate.replaces or 'nothing'}, and {production.version} is in "
            "production: run the pipeline again."
        )
    registry.fetch(candidate, get_settings().model_dir, RESULTS_DIR)
    registry.name(PRODUCTION, candidate)
    return candidate


def roll_back() -> Registered:
    """Put the network back that the one in production replaced. Raises `DigitError`."""
    production = registry.find(PRODUCTION)
    if production is None or not production.replaces:
        raise RegistryError("What is in production has replaced nothing.")
    before = registry.find_version(production.replaces)
    folder = get_settings().model_dir
    registry.fetch(before, folder, RESULTS_DIR)
    registry.name(PRODUCTION, before)
    taken = get_paths(folder, production.version)
    for path in (taken["json"], taken["onnx"], taken["pt"], *registry.figures_of(production.version, RESULTS_DIR)):
        path.unlink(missing_ok=True)  # the registry keeps them
    return before


def main(arguments: list[str] | None = None) -> int:
    """Deliver or roll back; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rollback", action="store_true", help="put the network back that was there before")
    options = parser.parse_args(arguments)
    try:
        serving = roll_back() if options.rollback else promote()
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{serving.version} is in production.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
