"""Put a network into production, or roll back to the one before.

python -m src.model.pipeline.promote                  the registry's candidate
python -m src.model.pipeline.promote --rollback       the network that the one in production replaced

Copies the network's files into the folder that the service watches (`DIGITS_MODEL_DIR`) and moves the registry's alias
`production`. The service loads the new network without dropping a request.
"""

import argparse
import sys

from src.model.errors import DigitError
from src.model.inference.artefact import get_paths, list_files
from src.model.pipeline import registry
from src.model.pipeline.registry import CANDIDATE, PRODUCTION, Registered, RegistryError
from src.settings import RESULTS_DIR, get_settings


def main(arguments: list[str] | None = None) -> int:
    """Promote or roll back; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rollback", action="store_true", help="go back to the network that was in production before")
    options = parser.parse_args(arguments)
    try:
        network = roll_back() if options.rollback else promote()
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{network.version} is in production.\n")
    return 0


def promote() -> Registered:
    """Put the candidate into production. Raises `RegistryError` as `find_candidate` does."""
    candidate = find_candidate()
    registry.install(candidate, get_settings().model_dir, RESULTS_DIR)
    registry.set_alias(PRODUCTION, candidate)
    return candidate


def find_candidate() -> Registered:
    """Return the candidate.

    Raises `RegistryError` if there is none, or if it was compared with another network than the one in production.
    """
    candidate = registry.find(CANDIDATE)
    if candidate is None:
        raise RegistryError("There is no candidate. Run `make pipeline` to train one.")
    production = registry.find(PRODUCTION)
    if production and candidate.number != production.number and candidate.replaces != production.version:
        raise RegistryError(
            f"{candidate.version} was compared with {candidate.replaces or 'no network'}, but {production.version} is "
            "in production. Run the pipeline again."
        )
    return candidate


def roll_back() -> Registered:
    """Put the network back that the one in production replaced, and remove the latter's files.

    The registry keeps them. Raises `RegistryError` if the network in production replaced none.
    """
    production = registry.find(PRODUCTION)
    if production is None or not production.replaces:
        raise RegistryError("The network in production has replaced no other.")
    previous = registry.find_version(production.replaces)
    model_dir = get_settings().model_dir
    registry.install(previous, model_dir, RESULTS_DIR)
    registry.set_alias(PRODUCTION, previous)
    files = list_files(get_paths(model_dir, production.version)["json"])
    for path in (*reversed(files), *registry.find_results(production.version, RESULTS_DIR)):
        path.unlink(missing_ok=True)
    return previous


if __name__ == "__main__":
    sys.exit(main())
