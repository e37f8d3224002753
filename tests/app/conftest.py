from collections.abc import Iterator

import pytest
from httpx import Client

from tests.servers import Server


@pytest.fixture(scope="session")
def client(running_service: Server) -> Iterator[Client]:
    """Yield a client of the service with the shipped model."""
    with Client(base_url=running_service.url, trust_env=False) as client:
        yield client
