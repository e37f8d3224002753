"""Signatures of artefacts: `mnist-<version>.sig`, in the format of `model-signing` (https://sigstore.github.io/model-transparency).

A signature covers the three files of one version and nothing else in their folder: their names and SHA-256. It is made
with a private key (an elliptic curve), or without a key by an identity that sigstore's certificate authority has
checked. The library is large and needed only where networks are signed or signatures are required, so nothing imports
this module that has no use for it: `requirements/signing.txt` installs it.
"""

from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Final

from model_signing import hashing, manifest, signing, verifying

from src.model.errors import SignatureError
from src.model.files import atomic_path, require_regular_file
from src.model.inference.artefact import (
    MAX_DESCRIPTION_BYTES,
    MAX_WEIGHTS_BYTES,
    SIGNATURE,
    describe,
    explain,
)
from src.settings import Settings

MAX_REASON: Final = 500  # characters of the library's message, which may quote the signature
SIGNED: Final = {".pt": MAX_WEIGHTS_BYTES, ".onnx": MAX_WEIGHTS_BYTES, ".json": MAX_DESCRIPTION_BYTES}
LIMITS: Final = {**SIGNED, SIGNATURE: 100_000}  # bytes of each file


class ArtefactHashing(hashing.Config):
    """Hashes the three files of one version, whatever else lies in their folder, and keeps the digests."""

    def __init__(self, path: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # the library leaves it untyped
        self.set_allow_symlinks(True)  # Kubernetes mounts files as links
        self._files = [path.with_suffix(suffix) for suffix in SIGNED]
        self.digests: dict[str, str] = {}  # SHA-256 by the name of the file

    def hash(
        self,
        model_path: hashing.PathLike,
        *,
        files_to_hash: Iterable[hashing.PathLike] | None = None,  # noqa: ARG002 - what the signature lists, or all files
    ) -> manifest.Manifest:
        """Return the digests in the library's form, which it compares with those of the signature."""
        hashed = super().hash(model_path, files_to_hash=self._files)
        self.digests = {entry.identifier: entry.digest.digest_hex for entry in hashed.resource_descriptors()}
        return hashed


class Trust:
    """Whose signatures count: the owner of a key, or an identity known to sigstore. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        """Load the key, or sigstore's trust root, which comes from the network unless a file is set.

        Raises `SignatureError` if that fails.
        """
        key, identity, issuer = settings.trusted_key, settings.trusted_identity, settings.trusted_issuer
        self._lock = Lock()  # the library's verifier takes what it verifies as its state
        self._config = verifying.Config()
        self._owner = f"the key {key}" if key else identity
        try:
            if key:
                self._config.use_elliptic_key_verifier(public_key=key)
            elif identity and issuer:
                root = settings.trusted_root
                self._config.use_sigstore_verifier(identity=identity, oidc_issuer=issuer, trust_config=root)
            else:
                raise ValueError("set DIGITS_TRUSTED_KEY, or DIGITS_TRUSTED_IDENTITY and DIGITS_TRUSTED_ISSUER")
        except Exception as error:  # of cryptography, sigstore and its network; they have no common base class
            raise SignatureError(
                f"Signatures by {self._owner or 'nobody'} can't be checked: {_shorten(error)}"
            ) from error

    def verify(self, path: Path) -> str:
        """Check the signature of the artefact that `path`, any of its files, belongs to.

        Returns the SHA-256 of the .json that was signed; that one has the digests of the others. Raises `ArtefactError`
        if a file can't be read, and `SignatureError` if the signature is missing or does not cover the three files.
        """
        signature = path.with_suffix(SIGNATURE)
        if not signature.exists():
            raise SignatureError(f"{path.with_suffix('.json')} is not signed: there is no {signature.name}.")
        for suffix, limit in LIMITS.items():
            try:
                require_regular_file(path.with_suffix(suffix), limit)
            except OSError as error:
                raise explain(path.with_suffix(suffix), error) from error
        hasher = ArtefactHashing(path)
        try:
            with self._lock:
                self._config.set_hashing_config(hasher).verify(path.parent, signature)
        except Exception as error:  # of JSON, pydantic, cryptography and sigstore; they have no common base class
            raise SignatureError(f"{signature} is no valid signature by {self._owner}: {_shorten(error)}") from error
        if len(hasher.digests) != len(SIGNED):
            raise SignatureError(f"{signature} does not cover all three files.")
        return hasher.digests[path.with_suffix(".json").name]


def sign(path: Path, private_key: Path | None) -> Path:
    """Sign the artefact that `path`, any of its files, belongs to, and return the path of the signature.

    Without a key the signature is of whoever runs this: of the workflow on GitHub, elsewhere of the person who logs in
    with a browser. Raises `ArtefactError` if the artefact is incomplete, and `SignatureError` if it can't be signed.
    """
    describe(path)
    config = signing.Config().set_hashing_config(ArtefactHashing(path))
    try:
        if private_key:
            config.use_elliptic_key_signer(private_key=private_key)
        else:
            config.use_sigstore_signer(use_ambient_credentials=True)
        with atomic_path(path.with_suffix(SIGNATURE)) as part:
            config.sign(path.parent, part)
    except Exception as error:  # of cryptography, sigstore and its network; they have no common base class
        raise SignatureError(f"{path.name} can't be signed: {_shorten(error)}") from error
    return path.with_suffix(SIGNATURE)


def _shorten(error: Exception) -> str:
    """Return the message of an error, or its kind if it has none, as the end of a sentence."""
    return f"{str(error)[:MAX_REASON] or type(error).__name__}.".replace("..", ".")
