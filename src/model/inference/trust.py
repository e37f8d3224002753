"""Whether signatures are required, and whose count: the packages that check them are loaded only then."""

from pathlib import Path
from typing import TYPE_CHECKING

from src.model.errors import SignatureError
from src.settings import Settings

if TYPE_CHECKING:
    from src.model.inference.signature import Trust


def load_trust(settings: Settings) -> "Trust | None":
    """Return whose signatures count, or None if no signature is required.

    Raises `SignatureError`, also if the packages that check signatures are missing.
    """
    if not settings.require_signature:
        return None
    try:
        from src.model.inference.signature import Trust  # noqa: PLC0415 - its packages are an extra
    except ImportError as error:
        raise SignatureError(f"The package {error.name} is missing: install requirements/signing.txt.") from error
    return Trust(settings)


def verify_artefact(path: Path, settings: Settings) -> str | None:
    """Return the SHA-256 that the .json of the artefact at `path` must have; None if no signature is required.

    Raises `ArtefactError` if a file can't be read, and `SignatureError` if there is no trusted signature.
    """
    trust = load_trust(settings)
    return trust.verify(path) if trust else None
