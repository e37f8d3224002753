"""TODO."""

from typing import Final

from src.settings import ROOT

BUILD: Final = ROOT / "build" / "pipeline"
CANDIDATE: Final = BUILD / "candidate" / "mnist-candidate-0.0.0.json"
CORRECTED: Final = BUILD / "corrected.npz"
RELEASE: Final = BUILD / "release"
FEEDBACK: Final = ROOT / "data" / "feedback"  # corrected pictures that are learned from
REFUSED: Final = ROOT / "data" / "refused"  # those that made a network worse
