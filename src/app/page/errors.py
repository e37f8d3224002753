"""What the page says when there is no answer."""

from typing import Final

from src.app.page.i18n import message

# What the service's problems are called, each with a sentence. The others tell that the two are of different versions.
SENTENCES: Final = {
    "empty-file": message("The file is empty. Send a picture of one digit."),
    "damaged-picture": message("The picture is damaged or cut short. Save it again and send it once more."),
    "unauthorized": message(
        "The reader asks for a key, and this page has none that it accepts. Whoever runs them can set it."
    ),
    "request-timeout": message("The picture took too long to arrive. Try again, or send a smaller one."),
    "file-too-large": message("The file is too large. Scale the picture down: 1000 pixels a side is plenty."),
    "too-many-pixels": message("The picture is too large. Scale it down: 1000 pixels a side is plenty."),
    "too-many-files": message("These are too many pictures at once. Send some now and the rest after."),
    "unsupported-format": message("This is not a picture that can be read. PNG, JPEG, WebP, GIF, BMP and TIFF can."),
    "blank-picture": message("There is nothing on it yet: a digit, dark on light or light on dark, will be read."),
    "internal-error": message("Something broke in the reader. Try once more; if it stays, tell whoever runs it."),
    "not-ready": message("The reader is still getting ready. It will be asked again in a moment."),
    "too-busy": message("The reader has its hands full. It will be asked again in a moment."),
    "feedback-off": message("This service keeps no pictures, so it takes no corrections."),
    "feedback-full": message("There is no room for more pictures. Nothing was kept."),
    "feedback-unavailable": message("The picture can't be kept right now. Try again later."),
}


class ServiceError(Exception):
    """There is no answer; `sentence`, a message of the catalogue, says why to the person at the page.

    ServiceError
    ├── ServiceUnreachable   nobody listens at the address
    ├── ServiceSlow          no answer within the time allowed
    ├── PictureRefused       the service says what is wrong
    └── AnswerNotUnderstood  an answer came that isn't one
    """

    sentence: str
    wait_s: int | None = None  # after which the service asks to be asked again

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence.format(**values) if values else sentence)
        self.sentence, self.values = sentence, values


class ServiceUnreachable(ServiceError):  # noqa: N818 - the name says what happened
    """Nobody listens at the address, or the connection broke."""

    def __init__(self) -> None:
        super().__init__(message("The reader can't be reached right now. Try again in a moment."))


class ServiceSlow(ServiceError):  # noqa: N818
    """No answer came within the time allowed."""

    def __init__(self) -> None:
        super().__init__(message("The reader is taking too long to answer. Give it a moment and try again."))


class PictureRefused(ServiceError):  # noqa: N818
    """The service answered with a problem (RFC 9457); one that the page doesn't know speaks for itself."""

    def __init__(self, problem: str, detail: str, wait_s: int | None = None) -> None:
        super().__init__(SENTENCES.get(problem, detail))
        self.problem, self.wait_s = problem, wait_s


class AnswerNotUnderstood(ServiceError):  # noqa: N818
    """Something answered, but not the way that the service does."""

    def __init__(self, status: int) -> None:
        text = message(
            "Something answered, but not the way the reader does (status {status}). "
            "Try again; if it stays, the page and the reader may be of different versions."
        )
        super().__init__(text, status=status)
