"""Keys made for a test, and releases signed with them."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from src.model.inference.artefact import list_files
from src.model.inference.signature import sign
from tests.released import copy_release


@dataclass(frozen=True)
class KeyPair:
    """The files of a key."""

    private: Path
    public: Path


def make_key(folder: Path, name: str = "digits") -> KeyPair:
    """Write a new key into `folder`, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    pair = KeyPair(folder / f"{name}.key", folder / f"{name}.pub")
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pair.private.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    public_form = serialization.PublicFormat.SubjectPublicKeyInfo
    pair.public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, public_form))
    return pair


def copy_signed_release(folder: Path, version: str, key: KeyPair) -> Path:
    """Copy the release into `folder` under another version, and sign it; return its .json."""
    copy_release(folder, version)
    path = folder / f"mnist-{version}.json"
    sign(path, key.private)
    return path


def deliver(path: Path, folder: Path) -> Path:
    """Move an artefact into the folder that a service watches, its .json last; return its .json there."""
    for file in list_files(path):
        file.rename(folder / file.name)
    return folder / path.name
