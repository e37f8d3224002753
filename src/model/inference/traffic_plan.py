"""The file beside the models that divides the traffic: which network answers a share of the requests, which only reads.

{"canary": {"version": "1.3.1", "percent": 5}, "shadow": "1.3.1", "until": "2027-01-31T12:00:00Z"}

Every entry is optional. The service follows the file while it runs; without one, its settings hold.
"""

from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from src.model.errors import ArtefactError
from src.model.files import read_file, write_text_atomically
from src.settings import Canary

PLAN_NAME: Final = "traffic.json"
CANARY_FOLDER: Final = "canary"  # beside the models: its networks are served as canary, as shadow or on request only
MAX_PLAN_BYTES: Final = 10_000

# The roles of a network, as the metrics name them.
PRODUCTION: Final = "production"
CANARY: Final = "canary"
SHADOW: Final = "shadow"
REQUESTED: Final = "requested"  # by `?model=`


class TrafficPlan(BaseModel):
    """Which networks take part beside the one in production."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    canary: Canary | None = None
    shadow: str | None = Field(None, max_length=64, description="version")
    until: AwareDatetime | None = Field(None, description="afterwards the plan holds no longer; null: no end")

    def has_expired(self) -> bool:
        """Return whether the plan's time is over."""
        return self.until is not None and self.until <= datetime.now(UTC)


def read_plan(folder: Path) -> TrafficPlan | None:
    """Return the plan in a folder of models, or None if there is none. Raises `ArtefactError` if it is invalid."""
    path = folder / PLAN_NAME
    try:
        return TrafficPlan.model_validate_json(read_file(path, MAX_PLAN_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ArtefactError(f"{path} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ArtefactError(f"{path} is no plan: {place}: {first['msg']}.") from error


def write_plan(folder: Path, plan: TrafficPlan) -> None:
    """Put a plan into force."""
    write_text_atomically(folder / PLAN_NAME, plan.model_dump_json(indent=1) + "\n")


def remove_plan(folder: Path) -> None:
    """End the plan, if there is one."""
    (folder / PLAN_NAME).unlink(missing_ok=True)


def is_for_canary(canary: Canary, request_id: str) -> bool:
    """Return whether a request belongs to the canary's share.

    Decided by a hash, so that all workers and all retries with the same id agree. The version is part of it: the next
    canary gets other requests. A larger share contains a smaller one.
    """
    digest = blake2b(f"{canary.version}:{request_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < canary.percent / 100 * 2**64
