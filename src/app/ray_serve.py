"""The service on Ray Serve, for teams that already run Ray: the same application, in replicas behind Ray's proxy.

serve run src.app.ray_serve:app                                      in the cluster at RAY_ADDRESS, or in a new one
serve run src.app.ray_serve:app min_replicas=2 max_replicas=20       with other `Options` than the defaults

The settings `DIGITS_…` of whoever deploys go to the replicas: with another `DIGITS_MODEL_FILE`, the same command
replaces them one after the other. `src/app/api/core/ray_proxy.py` says what the proxy does. docs/scale.md says why
Ray Serve is not the recommended way to serve.
"""

import os
from typing import Final

from fastapi import FastAPI
from pydantic import BaseModel, Field
from ray import serve
from ray.serve.config import AutoscalingConfig

from src.settings import read_settings

ENVIRONMENT: Final = {  # of a cluster
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "src.app.api.core.ray_proxy:configure_proxy",
    "RAY_USAGE_STATS_ENABLED": "0",
}


class Options(BaseModel):
    """How many replicas run, and how many requests wait for them."""

    min_replicas: int = Field(1, ge=1)
    max_replicas: int = Field(4, ge=1)
    target_requests: float = Field(8, gt=0, description="open requests of a replica that autoscaling aims at")
    max_requests: int = Field(16, ge=1, description="open requests of a replica; more wait in the proxy")
    max_waiting: int = Field(128, ge=1, description="requests that wait in a proxy; more are refused")
    scale_up_s: float = Field(10, ge=0, description="how long there must be too many requests, in seconds")
    scale_down_s: float = Field(300, ge=0, description="how long there must be too few requests, in seconds")


def app(options: Options) -> serve.Application:
    """Return the service as an application of Ray Serve. Raises SystemExit if a setting is invalid."""
    settings = read_settings()
    os.environ.update(ENVIRONMENT)  # for a cluster that `serve run` starts; one that runs has its own
    variables = {name: value for name, value in os.environ.items() if name.startswith("DIGITS_")}
    deployment = serve.deployment(
        serve.ingress(_load_app)(),
        name="digits",
        ray_actor_options={"num_cpus": 1, "runtime_env": {"env_vars": variables}},
        max_ongoing_requests=options.max_requests,
        max_queued_requests=options.max_waiting,
        graceful_shutdown_timeout_s=settings.grace_s,
        autoscaling_config=AutoscalingConfig(
            min_replicas=options.min_replicas,
            max_replicas=options.max_replicas,
            target_ongoing_requests=options.target_requests,
            upscale_delay_s=options.scale_up_s,
            downscale_delay_s=options.scale_down_s,
        ),
    )
    return deployment.bind()


def _load_app() -> FastAPI:
    """Return the application, in a replica."""
    from src.app.main import app  # noqa: PLC0415 - whoever deploys need not load it

    return app
