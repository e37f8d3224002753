"""The same network and preprocessing served by LitServe, as its documentation shows. Run by `make bench`."""

import sys

import litserve
from fastapi import Request

from src.model.inference.predictor import Predictor, open_predictor
from src.settings import ROOT, get_settings


class Digits(litserve.LitAPI):  # type: ignore[misc] # it has no types
    def setup(self, _device: str) -> None:
        self.predictor: Predictor = open_predictor(ROOT / sys.argv[2], get_settings().max_pixels)

    def decode_request(self, request: Request) -> bytes:
        data: bytes = request["file"].file.read()
        return data

    def predict(self, data: bytes) -> int:
        return self.predictor.predict(data).prediction

    def encode_response(self, digit: int) -> dict[str, int]:
        return {"prediction": digit}


if __name__ == "__main__":
    server = litserve.LitServer(Digits(api_path="/predict"), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
