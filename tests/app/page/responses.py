"""Responses of the service, for the stand-in that the page's tests ask."""

import json
from typing import Any

PREDICTION: dict[str, Any] = {
    "prediction": 4,
    "confidence": 0.91,
    "probabilities": [0.01] * 4 + [0.91] + [0.01] * 5,
    "digit_score": 0.97,
    "model": "0.0.1",
    "image": "data:image/png;base64,iVBORw0KGgo=",
    "steps": dict.fromkeys(("ink", "crop", "box"), "data:image/png;base64,iVBORw0KGgo="),
}
NETWORKS = ("cnn", "mlp", "cnn-permuted", "mlp-permuted", "cnn-recovered")  # of the experiment
MODELS = [
    {"version": f"{kind}-0.0.{number}", "network": kind, "parameters": 1, "test": {"accuracy": 0.9, "pictures": 5}}
    for number in (2, 1)
    for kind in NETWORKS
]


def prediction(**changes: object) -> bytes:
    """Return the body of a prediction."""
    return json.dumps(PREDICTION | changes).encode()


def number(*lines: str, height: int = 80, digit_score: float = 0.2, **changes: object) -> dict[str, Any]:
    """Return a prediction for a number whose marks are 40 pixels wide and `height` high; "?" is what is no digit."""
    marks = [
        {
            "prediction": None if character == "?" else int(character),
            "confidence": None if character == "?" else 0.99,
            "digit_score": 0.01 if character == "?" else 0.98,
            "box": [60 * column, 100 * row, 40, height],
        }
        for row, line in enumerate(lines)
        for column, character in enumerate(line)
    ]
    return PREDICTION | {"digit_score": digit_score, "digits": marks, "lines": lines, "truncated": False} | changes


def problem(detail: object, name: str = "of-a-later-version") -> bytes:
    """Return the body of a problem of type `name`."""
    return json.dumps({"type": f"/problems/{name}", "title": "A problem", "status": 422, "detail": detail}).encode()
