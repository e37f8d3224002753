"""The newest release, which the service serves by default."""

from src.model.inference.artefact import describe, newest
from src.settings import ROOT

PATH = newest(ROOT / "model")
DESCRIPTION = describe(PATH)
VERSION = DESCRIPTION.version
