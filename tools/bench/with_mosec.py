"""The same network and preprocessing served by Mosec, as its documentation shows. Run by `make bench`.

Mosec takes its address from the command line, and the raw body as the picture.
"""

import json
import os

from mosec import Server, Worker

from src.model.inference.predictor import open_predictor
from src.settings import ROOT, get_settings


class Digits(Worker):  # type: ignore[misc] # it has no types here
    def __init__(self) -> None:
        super().__init__()
        self.predictor = open_predictor(ROOT / os.environ["BENCH_MODEL"], get_settings().max_pixels)

    def deserialize(self, data: bytes) -> bytes:
        return data

    def forward(self, data: bytes) -> dict[str, int]:
        return {"prediction": self.predictor.predict(data).prediction}

    def serialize(self, data: dict[str, int]) -> bytes:
        return json.dumps(data).encode()


if __name__ == "__main__":
    server = Server()
    server.append_worker(Digits)
    server.run()
