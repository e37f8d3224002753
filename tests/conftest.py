"""The servers that tests share. Each is started once, when the first test needs it."""

from collections.abc import Iterator

import pytest

from tests import servers
from tests.app.api.process_tree import Worst

WORST = pytest.StashKey[Worst]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that take minutes unless `-m` names their marker, and those that Ray Serve can't pass."""
    for marker in ("load", "pipeline", "node", "ray"):
        if marker not in config.option.markexpr:
            items[:] = [item for item in items if not item.get_closest_marker(marker)]
    if servers.is_ray():
        items[:] = [item for item in items if not item.get_closest_marker("uvicorn")]


@pytest.fixture(scope="session")
def worst(pytestconfig: pytest.Config) -> Worst:
    """Return the place for the highest values that load tests see, which are printed at the end."""
    return pytestconfig.stash.setdefault(WORST, Worst())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what the load tests measured."""
    for name, value in config.stash.get(WORST, Worst()).items():
        terminalreporter.write_line(f"highest {name}: {value:.0f}")


@pytest.fixture
def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
    return servers.free_port()


@pytest.fixture
def fake_service() -> Iterator[servers.FakeService]:
    """Yield a stand-in for the service that gives the answers the test sets."""
    with servers.FakeService() as fake:
        yield fake


@pytest.fixture(scope="session")
def running_service() -> Iterator[servers.Server]:
    """Yield the real service with the shipped model."""
    with servers.running(servers.service(servers.free_port())) as server:
        yield server


@pytest.fixture(scope="session")
def running_page(running_service: servers.Server) -> Iterator[servers.Server]:
    """Yield the real page in front of the real service."""
    with servers.running(servers.page(servers.free_port(), running_service.url)) as server:
        yield server
