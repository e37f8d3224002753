"""A Ray cluster of several nodes on this machine, each with its own raylet, all on 127.0.0.1."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Self

import psutil

from tests.app.api.api_client import until

# Else Ray's drivers replace 127.0.0.1 by the machine's outer address, on which these nodes do not listen.
LOCAL: Final = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
OBJECT_STORE: Final = 80_000_000  # bytes: Ray's least is 75 MB; shards pass no pictures through it


class Cluster:
    """A head without cores, and nodes that are added and killed."""

    def __init__(self) -> None:
        os.environ.update(LOCAL)
        from ray.cluster_utils import Cluster as RayCluster  # noqa: PLC0415 - an extra, for `make test-ray` only

        self._cluster = RayCluster(initialize_head=True, head_node_args=_arguments(cores=0))
        self.nodes: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.shutdown()

    @property
    def address(self) -> str:
        """Where drivers connect."""
        return str(self._cluster.address)

    def add_node(self) -> Any:
        """Add a node with one core, and return it."""
        node = self._cluster.add_node(**_arguments(cores=1))
        self.nodes.append(node)
        return node

    def kill_node(self) -> None:
        """Kill a node's raylet, and with it its workers."""
        self._cluster.remove_node(self.nodes.pop(0), allow_graceful=False)

    def list_workers(self, *nodes: Any) -> list[psutil.Process]:
        """Return the processes that score, of all nodes unless some are named."""
        workers = []
        for node in nodes or self.nodes:
            for raylet in node.all_processes["raylet"]:
                for child in psutil.Process(raylet.process.pid).children():
                    with suppress(psutil.Error):  # it has just ended
                        if "attempt_shard" in " ".join(child.cmdline()):
                            workers.append(child)
        return workers

    @contextmanager
    def suspend_workers(self, node: Any) -> Iterator[None]:
        """Keep the processes that score on a node from working, as soon as there is one."""
        workers = until(lambda: self.list_workers(node))
        for worker in workers:
            worker.suspend()
        try:
            yield
        finally:
            for worker in workers:
                worker.resume()


def _arguments(cores: int) -> dict[str, Any]:
    return {
        "num_cpus": cores,
        "object_store_memory": OBJECT_STORE,
        "include_dashboard": False,
        "node_ip_address": "127.0.0.1",
    }
