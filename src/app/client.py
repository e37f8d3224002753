"""The page's side of the service's HTTP interface: a picture goes out, an answer or one of four errors comes back."""

from typing import Annotated, Any

import requests
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Share = Annotated[float, Field(ge=0, le=1)]


class ServiceError(Exception):
    """There is no answer; the text is a sentence for the person at the page.

    ServiceError
    ├── ServiceUnreachable   nobody listens at the address
    ├── ServiceSlow          no answer within the time allowed
    ├── PictureRefused       the service says what is wrong, in its own sentence
    └── AnswerNotUnderstood  an answer came that isn't one
    """


class ServiceUnreachable(ServiceError):  # noqa: N818 - the name says what happened
    """Nobody listens at the address, or the connection broke."""


class ServiceSlow(ServiceError):  # noqa: N818
    """No answer came within the time allowed."""


class PictureRefused(ServiceError):  # noqa: N818
    """The service answered with a problem (RFC 9457) and says what to do."""


class AnswerNotUnderstood(ServiceError):  # noqa: N818
    """Something answered, but not the way that the service does."""


class Answer(BaseModel):
    """What the service read in a picture, as `POST /api/v1/predict?details=true` gives it."""

    model_config = ConfigDict(frozen=True)

    prediction: int = Field(ge=0, le=9)
    confidence: Share
    probabilities: tuple[Share, ...] = Field(min_length=10, max_length=10)
    digit_score: Share
    digits_seen: int = Field(ge=0)
    model: str
    # the page writes it into its HTML: nothing but the characters of a data URL may pass
    image: str = Field(pattern=r"^data:image/png;base64,[A-Za-z0-9+/=]+$")


class ServiceClient:
    """Asks the service over connections that it keeps open; any number of threads may share one client."""

    def __init__(self, url: str, timeout_s: float, key: str | None = None) -> None:
        self._predict_url = f"{url.rstrip('/')}/api/v1/predict"
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy named in the environment is not meant for a neighbour
        if key:
            self._session.headers["Authorization"] = f"Bearer {key}"

    def read_digit(self, picture: bytes) -> Answer:
        """Send `picture`, an encoded image of any accepted format, and return what the service read.

        Raises one of the four kinds of `ServiceError`.
        """
        response = self._post(picture)
        if not response.ok:
            raise _refusal(response)
        try:
            return Answer.model_validate_json(response.content)
        except ValidationError as error:
            raise _not_understood(response) from error

    def _post(self, picture: bytes) -> requests.Response:
        try:
            return self._session.post(
                self._predict_url,
                params={"details": "true"},
                files={"file": ("picture", picture)},
                timeout=self._timeout_s,
            )
        except requests.Timeout as error:
            raise ServiceSlow("The reader is taking too long to answer. Give it a moment and try again.") from error
        except requests.RequestException as error:
            raise ServiceUnreachable("The reader can't be reached right now. Try again in a moment.") from error


def _refusal(response: requests.Response) -> ServiceError:
    try:
        problem: Any = response.json()
    except requests.JSONDecodeError:
        return _not_understood(response)
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return PictureRefused(detail) if detail and isinstance(detail, str) else _not_understood(response)


def _not_understood(response: requests.Response) -> AnswerNotUnderstood:
    return AnswerNotUnderstood(
        f"Something answered, but not the way the reader does (status {response.status_code}). "
        "Try again; if it stays, the page and the reader may be of different versions."
    )
