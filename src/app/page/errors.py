"""Why there is no answer, in sentences for the person at the page."""

from http import HTTPStatus
from typing import Final

from src.app.page.i18n import gettext_noop

# A sentence for each type of problem that a visitor can cause or meet. The service's other problems mean that page
# and service have different versions; its own sentence is shown for those.
SENTENCES: Final = {
    "empty-file": gettext_noop("The file is empty. Send a picture of a digit or a number."),
    "damaged-picture": gettext_noop("The picture is damaged or incomplete. Save it again and send it once more."),
    "unauthorized": gettext_noop(
        "The service requires an API key that this page does not have. Ask the administrator to set it."
    ),
    "request-timeout": gettext_noop("The picture took too long to arrive. Try again, or send a smaller one."),
    "file-too-large": gettext_noop("The file is too large. Scale the picture down: 1000 pixels per side is enough."),
    "too-many-pixels": gettext_noop("The picture is too large. Scale it down: 1000 pixels per side is enough."),
    "too-complex": gettext_noop("The picture takes too long to read. Save it as an ordinary PNG or JPEG, then try."),
    "too-many-files": gettext_noop("These are too many pictures at once. Send fewer at a time."),
    "unsupported-format": gettext_noop("This file can't be read as a picture. Use PNG, JPEG, WebP, GIF, BMP or TIFF."),
    "blank-picture": gettext_noop("The picture is blank. Draw a digit or a number, dark on light or light on dark."),
    "too-little-ink": gettext_noop("A dot or a dash is not enough. Draw a digit or a number."),
    "internal-error": gettext_noop("The service failed. Try again. If it keeps happening, tell the administrator."),
    "not-ready": gettext_noop("The service is still starting."),
    "too-busy": gettext_noop("The service is busy."),
    "feedback-off": gettext_noop("This service stores no pictures, so it accepts no corrections."),
    "feedback-full": gettext_noop("There is no room for more pictures. Nothing was saved."),
    "feedback-unavailable": gettext_noop("The picture can't be saved right now. Try again later."),
}


# problems of the file: the same file would be refused again
FILE_PROBLEMS: Final = {
    "empty-file",
    "damaged-picture",
    "file-too-large",
    "too-many-pixels",
    "too-complex",
    "unsupported-format",
}
# problems that end by themselves
TEMPORARY: Final = {"request-timeout", "internal-error", "not-ready", "too-busy"}


class ServiceError(Exception):
    """There is no answer. `sentence`, a text of the catalogue with placeholders for `values`, says why.

    ServiceError
    ├── ServiceUnreachableError   nothing listens at the address, or the connection broke
    ├── ServiceTimeoutError       no answer within the time allowed
    ├── ProblemError              the service answered with a problem
    │   ├── TooLittleInkError     or it read no digit, only a dot or a dash
    │   └── HeicError             or it was not asked, as it does not read this format
    └── UnexpectedResponseError   the answer does not follow the service's contract
    """

    wait_s: int | None = None  # seconds after which the page asks again by itself
    is_temporary = True  # another try may succeed

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence.format(**values) if values else sentence)
        self.sentence, self.values = sentence, values


class ServiceUnreachableError(ServiceError):
    """Nothing listens at the address, or the connection broke."""

    wait_s = 3

    def __init__(self) -> None:
        super().__init__(gettext_noop("The service can't be reached right now."))


class ServiceTimeoutError(ServiceError):
    """No answer came within the time allowed."""

    wait_s = 5

    def __init__(self) -> None:
        super().__init__(gettext_noop("The service is taking too long to answer."))


class ProblemError(ServiceError):
    """The service answered with a problem (RFC 9457). For a type that the page does not know, `detail` is shown."""

    def __init__(self, problem: str, detail: str, wait_s: int | None = None) -> None:
        super().__init__(SENTENCES.get(problem, detail))
        self.problem, self.wait_s = problem, wait_s
        self.is_temporary = wait_s is not None or problem in TEMPORARY


class TooLittleInkError(ProblemError):
    """The service found a mark, but it is a dot or a dash."""

    def __init__(self) -> None:
        super().__init__("too-little-ink", "")


class HeicError(ProblemError):
    """The file is a photo in the format of iPhones, which needs a decoder that the service does not have."""

    def __init__(self) -> None:
        super().__init__("unsupported-format", "")
        self.sentence = gettext_noop(
            "This is a HEIC photo, as iPhones take them. Share it as JPEG, or take a screenshot of it, and choose that."
        )


class UnexpectedResponseError(ServiceError):
    """The answer does not follow the service's contract."""

    def __init__(self, status: int) -> None:
        sentence = gettext_noop(
            "The service sent an answer that this page does not understand (status {status}). Try again. "
            "If it keeps happening, the page and the service may have different versions."
        )
        super().__init__(sentence, status=status)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:  # a proxy says that the service is away
            self.wait_s = 5
