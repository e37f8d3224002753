"""Every type of problem that the service answers with; a test keeps the table in docs/api.md in step with it."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from src.model import errors


@dataclass(frozen=True)
class ProblemType:
    """What all problems of one type have in common."""

    status: HTTPStatus
    title: str
    example: str  # the default `detail`, also shown in the documentation


# By name, the last part of the `type`. Clients rely on it: it never changes.
PROBLEM_TYPES: Final = {
    "bad-request": ProblemType(
        HTTPStatus.BAD_REQUEST, "The request makes no sense", "The multipart form data is cut short."
    ),
    "empty-file": ProblemType(
        HTTPStatus.BAD_REQUEST, "The file is empty", "The file is empty. Send a picture of one digit."
    ),
    "damaged-picture": ProblemType(
        HTTPStatus.BAD_REQUEST,
        "The picture is damaged",
        "The picture is damaged or cut short. Save it again and send it once more.",
    ),
    "unauthorized": ProblemType(
        HTTPStatus.UNAUTHORIZED, "A key is needed", "Send one of the service's keys: Authorization: Bearer <key>."
    ),
    "feedback-off": ProblemType(
        HTTPStatus.FORBIDDEN, "No feedback is taken", "This service keeps no pictures, so it takes no corrections."
    ),
    "not-found": ProblemType(
        HTTPStatus.NOT_FOUND,
        "Nothing is here",
        "There is nothing at this address. Pictures go to POST /api/v1/predict; /docs shows all.",
    ),
    "unknown-model": ProblemType(
        HTTPStatus.NOT_FOUND, "No such network", "There is no network 9.9.9. There are: 1.5.0, mlp-0.0.1."
    ),
    "method-not-allowed": ProblemType(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "Method not allowed",
        "This address does not take this method. Pictures go to POST /api/v1/predict; /docs shows all.",
    ),
    "request-timeout": ProblemType(
        HTTPStatus.REQUEST_TIMEOUT,
        "The request took too long to arrive",
        "The request was not complete within 30 s. Send it again over a faster connection, or a smaller picture.",
    ),
    "file-too-large": ProblemType(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The file is too large",
        "Send at most 10 MB. Scale the picture down: 1000 pixels a side is plenty.",
    ),
    "too-many-pixels": ProblemType(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The picture is too large",
        "The picture has more than 25 million pixels. Scale it down: 1000 pixels a side is plenty.",
    ),
    "too-many-files": ProblemType(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too many files", "Send at most 64 pictures at once, and the rest after."
    ),
    "unsupported-format": ProblemType(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Not a picture",
        "This is not a picture that the service can read. Send one of: PNG, JPEG, WEBP, GIF, BMP, TIFF.",
    ),
    "unsupported-media-type": ProblemType(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Unsupported content type",
        "Send the picture as multipart form data, or as the body with its own content type, such as image/png.",
    ),
    "too-complex": ProblemType(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The picture is too complex",
        "The picture takes too long to read. Save it again as an ordinary PNG or JPEG and send that.",
    ),
    "blank-picture": ProblemType(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Nothing is drawn",
        "The picture is blank. Draw or photograph one digit, dark on light or light on dark.",
    ),
    "too-little-ink": ProblemType(HTTPStatus.UNPROCESSABLE_ENTITY, "Too little to read", errors.TOO_LITTLE_INK),
    "invalid-request": ProblemType(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request is not as expected",
        "query.digit: Field required. See /docs for what this address takes.",
    ),
    "headers-too-large": ProblemType(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The headers are too large",
        "The request's headers are larger than 64 kB. Send fewer or shorter ones.",
    ),
    "internal-error": ProblemType(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Something broke",
        "The service failed on this request; it has been logged. Try once more, and report it if it fails again.",
    ),
    "not-ready": ProblemType(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "No network is loaded",
        "The network is still being loaded. Try again in a moment.",
    ),
    "too-busy": ProblemType(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too much at once",
        "The service is busy. Send the request again in 1 s.",
    ),
    "feedback-unavailable": ProblemType(
        HTTPStatus.SERVICE_UNAVAILABLE, "The picture can't be kept", "The picture can't be stored right now. Try later."
    ),
    "feedback-full": ProblemType(
        HTTPStatus.INSUFFICIENT_STORAGE, "No room is left", "There is no room for more pictures. Nothing was stored."
    ),
}
