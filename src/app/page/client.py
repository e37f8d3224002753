"""The page's client of the service: sends a picture over HTTP and returns a prediction or raises a `ServiceError`."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import quote

import requests
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from src.app.page.errors import (
    ProblemError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnreachableError,
    UnexpectedResponseError,
)

Share = Annotated[float, Field(ge=0, le=1)]
# the page writes it into its HTML, so it may contain nothing but the characters of a data URL
PictureUrl = Annotated[str, Field(pattern=r"^data:image/png;base64,[A-Za-z0-9+/=]+$")]
Place = tuple[Annotated[int, Field(ge=0, lt=28)], Annotated[int, Field(ge=0, lt=28)]]
Line = Annotated[str, Field(pattern=r"^[0-9?]+$")]  # "?" stands for what is not a digit
T = TypeVar("T", bound=BaseModel)

Part = Literal["details", "steps", "heat", "activations", "change"]  # of a prediction, beyond the digit

MAX_WAIT_S: Final = 60  # whatever the service's Retry-After says
BATCH_SIZE: Final = 64  # the service accepts no more pictures in one request
EXTRA_S: Final = 0.4  # added to the timeout for each picture of a batch
NUMBER_TIMES: Final = 4  # the timeout for a number, which may have hundreds of digits, in timeouts for a digit


class Steps(BaseModel):
    """The pictures between the original, which may have MNIST's form already, and the network's input."""

    model_config = ConfigDict(frozen=True)

    ink: PictureUrl
    crop: PictureUrl | None  # None if the original has MNIST's form
    box: PictureUrl | None  # likewise


class Tensor(BaseModel):
    """Numbers in rows: the last index changes fastest."""

    model_config = ConfigDict(frozen=True)

    shape: list[int]
    values: list[float]


class Window(BaseModel):
    """The part of the layer before that a value of a convolution or a pooling is computed from."""

    model_config = ConfigDict(frozen=True)

    size: tuple[int, int]
    stride: tuple[int, int]


class Layer(BaseModel):
    """A layer of a small network: what it computed for the picture, and what it has learned."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["normalise", "convolution", "max_pool", "relu", "linear"]
    output: Tensor
    weights: Tensor | None = None
    bias: list[float] | None = None
    window: Window | None = None


class Change(BaseModel):
    """Few pixels of the 28x28 picture, each as column and row, that change the answer."""

    model_config = ConfigDict(frozen=True)

    prediction: int = Field(ge=0, le=9)  # with the change
    inked: tuple[Place, ...]
    erased: tuple[Place, ...]


class Mark(BaseModel):
    """A digit of a number, or something on its line that is not a digit."""

    model_config = ConfigDict(frozen=True)

    prediction: int | None = Field(ge=0, le=9)  # None: not a digit
    confidence: Share | None
    box: tuple[int, int, int, int]  # left, top, width, height in pixels of the upright picture


class Prediction(BaseModel):
    """The answer of `POST /api/v1/predict?details=true`, with another `Part` if it was asked for.

    It is about the picture as a single digit, and about the number on it: all marks in reading order, and the text of
    each line. Services of earlier versions send no number.
    """

    model_config = ConfigDict(frozen=True)

    prediction: int = Field(ge=0, le=9)
    confidence: Share
    probabilities: tuple[Share, ...] = Field(min_length=10, max_length=10)
    digit_score: Share
    model: str
    image: PictureUrl
    digits: tuple[Mark, ...] = ()
    lines: tuple[Line, ...] = ()
    truncated: bool = False
    steps: Steps | None = None  # services of earlier versions send none
    heat: PictureUrl | None = None
    activations: tuple[Layer, ...] | None = None
    change: Change | None = None  # also None if the service found none


class Problem(BaseModel):
    """Takes the place of a prediction in a batch."""

    type: str
    detail: str


class BatchResponse(BaseModel):
    """The answer of `POST /api/v1/predict/batch?details=true`."""

    answers: list[Prediction | Problem]


class Digit(BaseModel):
    """The digit on a picture of a batch; None if a problem takes its place."""

    prediction: int | None = Field(None, ge=0, le=9)


class DigitsResponse(BaseModel):
    """The answer of `POST /api/v1/predict/batch`."""

    answers: list[Digit]


class Features(BaseModel):
    """The answer of `GET /api/v1/features`."""

    feedback: bool


class FeedbackResponse(BaseModel):
    """The answer of `POST /api/v1/feedback`: the digit that a picture is stored with."""

    digit: int = Field(ge=0, le=9)


class Score(BaseModel):
    """A network's accuracy on the official test digits."""

    accuracy: Share
    pictures: int


class Normalisation(BaseModel):
    """The mean and the standard deviation of the pixels by which a network standardises them."""

    model_config = ConfigDict(frozen=True)

    mean: float = 0
    std: float = 1


class Model(BaseModel):
    """The answer of `GET /api/v1/models/{version}`."""

    model_config = ConfigDict(frozen=True)

    version: str
    network: str
    parameters: int
    test: Score | None = None
    normalisation: Normalisation = Normalisation()
    order: tuple[int, ...] | None = None  # the network sees pixel i of a picture taken from place order[i]


class Models(BaseModel):
    """The answer of `GET /api/v1/models`, newest first."""

    models: list[Model]


class ServiceClient:
    """Sends requests over connections that it keeps open. Threads may share one client."""

    def __init__(self, url: str, timeout_s: float, key: str | None = None) -> None:
        self._url = f"{url.rstrip('/')}/api/v1"
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy set in the environment is not meant for the service
        if key:
            self._session.headers["Authorization"] = f"Bearer {key}"

    def predict(self, picture: bytes, part: Part = "steps", model: str | None = None) -> Prediction:
        """Send `picture`, an encoded image of any accepted format, and return the prediction with `part`.

        `model` is the version to ask; None means the one that is served. Raises a `ServiceError`.
        """
        parameters, files = {part: "true", "details": "true", "model": model}, {"file": ("picture", picture)}
        timeouts = self._timeout_s, NUMBER_TIMES * self._timeout_s  # to connect, and to answer
        return self._request(Prediction, "POST", "/predict", params=parameters, files=files, timeout=timeouts)

    def predict_batch(self, pictures: Sequence[bytes]) -> list[Prediction | ServiceError]:
        """Send at most `BATCH_SIZE` pictures and return a prediction or an error for each.

        Raises a `ServiceError` if the whole request failed.
        """
        response = self._request(
            BatchResponse,
            "POST",
            "/predict/batch",
            params={"details": "true"},
            files=[("files", ("picture", picture)) for picture in pictures],
            timeout=self._timeout_s + EXTRA_S * len(pictures),
        )
        if len(response.answers) != len(pictures):
            raise UnexpectedResponseError(200)
        return [
            _problem_error(answer.type, answer.detail) if isinstance(answer, Problem) else answer
            for answer in response.answers
        ]

    def read_digits(self, pictures: Sequence[bytes], model: str) -> list[int | None]:
        """Return the digit that the network `model` reads on each of at most `BATCH_SIZE` pictures; None: it can't.

        Raises a `ServiceError` if the whole request failed.
        """
        files = [("files", ("picture", picture)) for picture in pictures]
        timeout = self._timeout_s + EXTRA_S * len(pictures)
        response = self._request(
            DigitsResponse, "POST", "/predict/batch", params={"model": model}, files=files, timeout=timeout
        )
        if len(response.answers) != len(pictures):
            raise UnexpectedResponseError(200)
        return [answer.prediction for answer in response.answers]

    def list_models(self) -> list[Model]:
        """Return the available networks, newest first. Raises a `ServiceError`."""
        return self._request(Models, "GET", "/models").models

    def describe_model(self, version: str) -> Model:
        """Return the description of a network. Raises a `ServiceError`."""
        return self._request(Model, "GET", f"/models/{quote(version, safe='')}")

    def accepts_feedback(self) -> bool:
        """Return whether the service stores corrected pictures. Raises a `ServiceError`."""
        return self._request(Features, "GET", "/features").feedback

    def send_feedback(self, picture: bytes, digit: int) -> int:
        """Have `picture` stored with its correct digit, and return the digit it is stored with.

        The first digit sent for a picture is the one that counts. Raises a `ServiceError`.
        """
        files = {"file": ("picture", picture)}
        return self._request(FeedbackResponse, "POST", "/feedback", params={"digit": digit}, files=files).digit

    def _request(self, schema: type[T], method: str, path: str, **options: Any) -> T:
        """Send a request and return its answer as a `schema`. Raises a `ServiceError`."""
        try:
            response = self._session.request(method, self._url + path, **({"timeout": self._timeout_s} | options))
        except requests.Timeout as error:
            raise ServiceTimeoutError from error
        except requests.RequestException as error:
            raise ServiceUnreachableError from error
        if not response.ok:
            raise _parse_problem(response)
        try:
            return schema.model_validate_json(response.content)
        except ValidationError as error:
            raise UnexpectedResponseError(response.status_code) from error


def _parse_problem(response: requests.Response) -> ServiceError:
    """Return the error for a response that is not a success."""
    try:
        problem: Any = response.json()
    except requests.JSONDecodeError:
        return UnexpectedResponseError(response.status_code)
    detail = problem.get("detail") if isinstance(problem, dict) else None
    if not detail or not isinstance(detail, str):
        return UnexpectedResponseError(response.status_code)
    retry_after = response.headers.get("Retry-After", "")
    wait_s = min(int(retry_after), MAX_WAIT_S) if retry_after.isdecimal() else None
    return _problem_error(str(problem.get("type")), detail, wait_s)


def _problem_error(type_uri: str, detail: str, wait_s: int | None = None) -> ProblemError:
    return ProblemError(type_uri.rpartition("/")[2], detail, wait_s)
