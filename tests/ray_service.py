"""Runs the service on Ray Serve, on a cluster of one node that is started for it and that only this machine can reach.

python -m tests.ray_service max_replicas=2       with `Options` of `src/app/ray_serve.py`

It listens at `DIGITS_HOST` and `DIGITS_API_PORT`. The address of the cluster is the first line of its output.
"""

import os
import signal
import sys
from contextlib import suppress
from tempfile import TemporaryDirectory

# Named for other systems, it keeps Ray to 127.0.0.1; on Linux, no argument of `ray.init` does. Ray reads it on import.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"

import ray
from ray import serve

from src.app.ray_serve import ENVIRONMENT, Options, app
from src.settings import read_settings

OBJECT_STORE = 100_000_000  # bytes; Serve keeps nothing there


def main() -> None:
    """Serve until a signal stops the process, then stop the cluster."""
    settings = read_settings()
    os.environ.update(ENVIRONMENT)
    ray.init(address="local", include_dashboard=False, object_store_memory=OBJECT_STORE, log_to_driver=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.stdout.write(f"{ray.get_runtime_context().gcs_address}\n")
    sys.stdout.flush()
    options = Options.model_validate(dict(argument.split("=") for argument in sys.argv[1:]))
    with TemporaryDirectory(prefix="digits-metrics-") as folder, suppress(KeyboardInterrupt):
        os.environ["DIGITS_METRICS_DIR"] = str(settings.metrics_dir or folder)
        try:
            serve.start(http_options={"host": settings.host, "port": settings.api_port})
            serve.run(app(options), blocking=True)
        finally:
            serve.shutdown()
            ray.shutdown()


if __name__ == "__main__":
    main()
