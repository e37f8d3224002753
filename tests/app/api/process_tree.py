"""What a service and its child processes take together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from tests.servers import Server

INTERVAL_S = 0.05


class Worst(dict[str, float]):
    """The highest values that load tests have seen, by what was measured."""

    def note(self, name: str, value: float) -> None:
        """Keep a value if it is the highest so far."""
        self[name] = max(self.get(name, value), value)


@dataclass
class Peak:
    """The most memory that was seen so far."""

    mb: float = 0.0


def processes(server: Server) -> list[psutil.Process]:
    """Return the service's process and all processes that it started."""
    with suppress(psutil.NoSuchProcess):
        main = psutil.Process(server.pid)
        return [main, *main.children(recursive=True)]
    return []


def memory_mb(server: Server) -> float:
    """Return the memory of a service with its children: what they share counts once (PSS)."""
    total = 0
    for process in processes(server):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it has just ended
            total += process.memory_full_info().pss
    return total / 2**20


def cpu_s(server: Server) -> float:
    """Return the processor time that a service has taken so far, with its children, also those that have ended."""
    total = 0.0
    for process in processes(server):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
            if process.pid == server.pid:
                total += times.children_user + times.children_system
    return total


@contextmanager
def watch_memory(server: Server) -> Iterator[Peak]:
    """Measure the memory again and again until the block ends."""
    peak, ended = Peak(), threading.Event()

    def watch() -> None:
        while not ended.wait(INTERVAL_S):
            peak.mb = max(peak.mb, memory_mb(server))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
