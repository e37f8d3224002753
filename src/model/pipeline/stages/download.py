"""Stage: MNIST, fetched where it is missing, and held against its digests."""

import sys

from src.model.data.download import SHA256, ensure_mnist
from src.model.pipeline.tracking import StageRun, stage
from src.settings import get_settings


def fetch(record: StageRun) -> None:
    """Have MNIST lie where it is looked for."""
    ensure_mnist(get_settings().data_dir)
    record.tags(**{f"sha256.{name}": digest for name, digest in SHA256.items()})


if __name__ == "__main__":
    sys.exit(stage("fetch", fetch))
