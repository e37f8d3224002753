"""How tests make pictures that are no digits quickly."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from src.model.data import synthetic


@contextmanager
def few_references() -> Iterator[None]:
    """Compare non-digits with few digits: with all of them, even a few non-digits take seconds to make."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "REFERENCES", 100)
        yield
