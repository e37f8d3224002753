"""The page's side of the service's HTTP interface: a picture goes out, an answer or a `ServiceError` comes back."""

from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote

import requests
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from src.app.errors import AnswerNotUnderstood, PictureRefused, ServiceError, ServiceSlow, ServiceUnreachable

Share = Annotated[float, Field(ge=0, le=1)]
# the page writes it into its HTML: nothing but the characters of a data URL may pass
Picture = Annotated[str, Field(pattern=r"^data:image/png;base64,[A-Za-z0-9+/=]+$")]
T = TypeVar("T", bound=BaseModel)

LONGEST_WAIT_S: Final = 60  # however long the service says


class Steps(BaseModel):
    """What lies between the picture and what the network saw; without the last two, the picture was taken as it was."""

    model_config = ConfigDict(frozen=True)

    ink: Picture
    crop: Picture | None
    box: Picture | None


class Answer(BaseModel):
    """What the service read in a picture, as `POST /api/v1/predict?steps=true` gives it."""

    model_config = ConfigDict(frozen=True)

    prediction: int = Field(ge=0, le=9)
    confidence: Share
    probabilities: tuple[Share, ...] = Field(min_length=10, max_length=10)
    digit_score: Share
    digits_seen: int = Field(ge=0)
    model: str
    image: Picture
    steps: Steps | None = None  # a service of an earlier version gives none


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


class ServiceClient:
    """Asks the service over connections that it keeps open; any number of threads may share one client."""

    def __init__(self, url: str, timeout_s: float, key: str | None = None) -> None:
        self._url = f"{url.rstrip('/')}/api/v1"
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy named in the environment is not meant for a neighbour
        if key:
            self._session.headers["Authorization"] = f"Bearer {key}"

    def read_digit(self, picture: bytes) -> Answer:
        """Send `picture`, an encoded image of any accepted format, and return what the service read.

        Raises a `ServiceError`.
        """
        parameters = {"steps": "true", "details": "true"}
        return self._ask(Answer, "POST", "/predict", params=parameters, files={"file": ("picture", picture)})

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
            return self._session.request(method, self._url + path, timeout=self._timeout_s, **what)
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
    name = str(problem.get("type")).rpartition("/")[2]
    return PictureRefused(name, detail, _wait_s(response))


def _wait_s(response: requests.Response) -> int | None:
    """Return after how many seconds the service asks to be asked again, None if it doesn't."""
    said = response.headers.get("Retry-After", "")
    return min(int(said), LONGEST_WAIT_S) if said.isdecimal() else None
