"""The folders and files that the stages of the pipeline share."""

from typing import Final

from src.settings import ROOT

BUILD: Final = ROOT / "build" / "pipeline"
CANDIDATE: Final = BUILD / "candidate" / "mnist-candidate-0.0.0.json"
CORRECTED: Final = BUILD / "corrected.npz"  # framed corrected pictures, for the training
EVALUATION: Final = BUILD / "evaluation.json"  # of the candidate
RELEASE: Final = BUILD / "release"
FEEDBACK: Final = ROOT / "data" / "feedback"  # corrected pictures with their notes, for the training
REFUSED: Final = ROOT / "data" / "refused"  # corrected pictures whose candidate the release gate refused
