"""The same network and preprocessing served by BentoML, as its documentation shows. Run by `make bench`."""

import os
from pathlib import Path

import bentoml

from src.model.inference.predictor import open_predictor
from src.settings import ROOT, get_settings


@bentoml.service(workers=1)
class Digits:
    def __init__(self) -> None:
        self.predictor = open_predictor(ROOT / os.environ["BENCH_MODEL"], get_settings().max_pixels)

    @bentoml.api(route="/predict")  # type: ignore[untyped-decorator] # it has no types here
    def predict(self, file: Path) -> dict[str, int]:
        return {"prediction": self.predictor.predict(file.read_bytes()).prediction}
