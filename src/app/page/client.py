"""The page's side of the service's HTTP interface: a picture goes out, an answer or a `ServiceError` comes back."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import quote

import requests
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from src.app.page.errors import AnswerNotUnderstood, PictureRefused, ServiceError, ServiceSlow, ServiceUnreachable

Share = Annotated[float, Field(ge=0, le=1)]
# the page writes it into its HTML: nothing but the characters of a data URL may pass
Picture = Annotated[str, Field(pattern=r"^data:image/png;base64,[A-Za-z0-9+/=]+$")]
T = TypeVar("T", bound=BaseModel)

Part = Literal["details", "steps", "heat"]  # of an answer, beyond the digit

LONGEST_WAIT_S: Final = 60  # however long the service says
BATCH: Final = 64  # pictures: the service takes no more at once
MORE_S: Final = 0.4  # that the page waits longer for each picture of a batch


class Steps(BaseModel):
    """What lies between the picture and what the network saw; without the last two, the picture was taken as it was."""

    model_config = ConfigDict(frozen=True)

    ink: Picture
    crop: Picture | None
    box: Picture | None


class Answer(BaseModel):
    """What the service read in a picture, as `POST /api/v1/predict?details=true` gives it, with `steps` or `heat`."""

    model_config = ConfigDict(frozen=True)

    prediction: int = Field(ge=0, le=9)
    confidence: Share
    probabilities: tuple[Share, ...] = Field(min_length=10, max_length=10)
    digit_score: Share
    digits_seen: int = Field(ge=0)
    model: str
    image: Picture
    steps: Steps | None = None  # a service of an earlier version gives none
    heat: Picture | None = None


class Refused(BaseModel):
    """What stands in the place of an answer in a batch."""

    type: str
    detail: str


class Batch(BaseModel):
    """What `POST /api/v1/predict/batch?details=true` says."""

    answers: list[Answer | Refused]


class Features(BaseModel):
    """What `GET /api/v1/features` says."""

    feedback: bool


class Kept(BaseModel):
    """What a picture is kept as."""

    digit: int = Field(ge=0, le=9)


class Score(BaseModel):
    """How much of the official test digits a network reads right."""

    accuracy: Share
    pictures: int


class Model(BaseModel):
    """What `GET /api/v1/models/{version}` says of a network."""

    model_config = ConfigDict(frozen=True)

    version: str
    network: str
    parameters: int
    test: Score | None = None


class Models(BaseModel):
    """What `GET /api/v1/models` says: the networks, newest first."""

    models: list[Model]


class ServiceClient:
    """Asks the service over connections that it keeps open; any number of threads may share one client."""

    def __init__(self, url: str, timeout_s: float, key: str | None = None) -> None:
        self._url = f"{url.rstrip('/')}/api/v1"
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy named in the environment is not meant for a neighbour
        if key:
            self._session.headers["Authorization"] = f"Bearer {key}"

    def read_digit(self, picture: bytes, part: Part = "steps", model: str | None = None) -> Answer:
        """Send `picture`, an encoded image of any accepted format, and return what the service read, with a `part`.

        Raises a `ServiceError`.
        """
        parameters = {part: "true", "details": "true", "model": model}
        return self._ask(Answer, "POST", "/predict", params=parameters, files={"file": ("picture", picture)})

    def read_digits(self, pictures: Sequence[bytes]) -> list[Answer | ServiceError]:
        """Send at most `BATCH` pictures at once and return what was read in each, or why nothing was.

        Raises a `ServiceError` where it is about all of them.
        """
        files = [("files", ("picture", picture)) for picture in pictures]
        wait_s = self._timeout_s + MORE_S * len(pictures)
        found = self._ask(
            Batch, "POST", "/predict/batch", params={"details": "true"}, files=files, timeout=wait_s
        ).answers
        if len(found) != len(pictures):
            raise AnswerNotUnderstood(200)
        return [_refused(one.type, one.detail) if isinstance(one, Refused) else one for one in found]

    def networks(self) -> list[Model]:
        """Return what networks there are, newest first. Raises a `ServiceError`."""
        return self._ask(Models, "GET", "/models").models

    def takes_feedback(self) -> bool:
        """Tell whether corrections are taken. Raises a `ServiceError`."""
        return self._ask(Features, "GET", "/features").feedback

    def describe(self, version: str) -> Model:
        """Return what the network `version` is and how good. Raises a `ServiceError`."""
        return self._ask(Model, "GET", f"/models/{quote(version, safe='')}")

    def correct(self, picture: bytes, digit: int) -> int:
        """Have `picture` kept with the digit that it really was; return what it is kept as, which was said first.

        Raises a `ServiceError`.
        """
        return self._ask(Kept, "POST", "/feedback", params={"digit": digit}, files={"file": ("picture", picture)}).digit

    def _ask(self, kind: type[T], method: str, path: str, **what: Any) -> T:
        """Send a request and return the answer as a `kind`."""
        response = self._send(method, path, **what)
        if not response.ok:
            raise _refusal(response)
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            raise AnswerNotUnderstood(response.status_code) from error

    def _send(self, method: str, path: str, **what: Any) -> requests.Response:
        try:
            return self._session.request(method, self._url + path, **({"timeout": self._timeout_s} | what))
        except requests.Timeout as error:
            raise ServiceSlow from error
        except requests.RequestException as error:
            raise ServiceUnreachable from error


def _refusal(response: requests.Response) -> ServiceError:
    """Return what a problem (RFC 9457) says."""
    try:
        problem: Any = response.json()
    except requests.JSONDecodeError:
        return AnswerNotUnderstood(response.status_code)
    detail = problem.get("detail") if isinstance(problem, dict) else None
    if not detail or not isinstance(detail, str):
        return AnswerNotUnderstood(response.status_code)
    return _refused(str(problem.get("type")), detail, _wait_s(response))


def _refused(kind: str, detail: str, wait_s: int | None = None) -> PictureRefused:
    return PictureRefused(kind.rpartition("/")[2], detail, wait_s)


def _wait_s(response: requests.Response) -> int | None:
    """Return after how many seconds the service asks to be asked again, None if it doesn't."""
    said = response.headers.get("Retry-After", "")
    return min(int(said), LONGEST_WAIT_S) if said.isdecimal() else None
