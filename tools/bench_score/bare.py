"""The bare loop: one process that decodes, frames and predicts pictures in memory, and nothing else.

`python -m tools.bench_score.bare FOLDER COUNT` prints its seconds, on the wall's clock and of the processor, as JSON.
"""

import json
import sys
import time
from pathlib import Path

import cv2

from src.model.inference.artefact import find_newest
from src.model.inference.predictor import open_predictor
from src.model.preprocessing.preprocess import preprocess
from src.model.scoring.score_shard import BATCH
from src.settings import get_settings
from tools.bench_score.digits import read


def main(folder: Path, count: int) -> dict[str, float]:
    """Return the wall seconds and the processor seconds that `count` pictures take."""
    cv2.setNumThreads(1)
    settings = get_settings()
    predictor = open_predictor(find_newest(settings.model_dir), settings.max_pixels)
    pictures = read(folder, count)
    predictor.predict_batch([preprocess(data, settings.max_pixels) for data in pictures[:BATCH]])
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, count, BATCH):
        predictor.predict_batch([preprocess(data, settings.max_pixels) for data in pictures[start : start + BATCH]])
    return {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
