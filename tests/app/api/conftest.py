from collections.abc import Iterator

import pytest
from httpx import Client

from tests.app.api.api_client import connect
from tests.servers import Server


@pytest.fixture(scope="session")
def client(running_service: Server) -> Iterator[Client]:
    """Yield a client of the service with the shipped model."""
    with connect(running_service) as client:
        yield client
