"""Stage `download`: MNIST's files, downloaded if they are missing and checked against their digests."""

import sys

from src.model.data.download import SHA256, ensure_mnist
from src.model.pipeline.tracking import StageRun, run_stage
from src.settings import get_settings


def download(run: StageRun) -> None:
    """Download MNIST into the data folder."""
    ensure_mnist(get_settings().data_dir)
    run.set_tags(**{f"sha256.{name}": digest for name, digest in SHA256.items()})


if __name__ == "__main__":
    sys.exit(run_stage("download", download))
