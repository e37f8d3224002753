"""The newest release, which the service serves by default."""

from src.model.inference.artefact import describe, find_newest
from src.settings import ROOT

PATH = find_newest(ROOT / "model")
DESCRIPTION = describe(PATH)
VERSION = DESCRIPTION.version
