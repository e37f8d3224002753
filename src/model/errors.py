"""The errors that this project raises on purpose.

    DigitError
    ├── PictureError            a picture file can't be read
    │   ├── EmptyFile
    │   ├── UnsupportedFormat
    │   ├── DamagedPicture
    │   ├── TooManyPixels
    │   ├── TooComplex
    │   └── BlankPicture
    │       └── TooLittleInk
    ├── DataError               MNIST is missing or damaged and can't be downloaded
    ├── ArtefactError           the files of a trained network don't belong together
    │   └── SignatureError      they lack the signature that is required
    └── ScoringError            pictures can't be scored offline: the input, the output or a launcher

The message of each tells the user what to do.
"""

from collections.abc import Mapping
from typing import Final

TOO_COMPLEX = "The picture takes too long to read. Save it again as an ordinary PNG or JPEG and send that."
TOO_LITTLE_INK = "There is too little to read. Draw or photograph one digit."


class DigitError(Exception):
    """Base class of all errors raised on purpose."""


class PictureError(DigitError):
    """A picture file can't be read."""


class EmptyFile(PictureError):  # noqa: N818 - the name is the problem's name in the API
    """The file is empty."""


class UnsupportedFormat(PictureError):  # noqa: N818
    """The file is not a picture of an accepted format."""


class DamagedPicture(PictureError):  # noqa: N818
    """The file has an accepted format but is truncated or invalid."""


class TooManyPixels(PictureError):  # noqa: N818
    """The picture has more pixels than allowed."""


class TooComplex(PictureError):  # noqa: N818
    """Reading the picture takes more time or memory than is allowed."""

    def __init__(self, message: str = TOO_COMPLEX) -> None:
        super().__init__(message)


class BlankPicture(PictureError):  # noqa: N818
    """There is no ink on the picture."""


class TooLittleInk(BlankPicture):
    """The ink is a dot."""

    def __init__(self, message: str = TOO_LITTLE_INK) -> None:
        super().__init__(message)


class DataError(DigitError):
    """MNIST is missing or damaged and can't be downloaded."""


class ArtefactError(DigitError):
    """The files of a trained network are missing or don't belong together."""


class SignatureError(ArtefactError):
    """The files of a trained network lack a signature by the identity that is trusted."""


class ScoringError(DigitError):
    """Pictures can't be scored offline: something is wrong with the input, the output or a launcher."""


# The names of these problems in the API and in the results of offline scoring: they never change.
PICTURE_PROBLEMS: Final[Mapping[type[PictureError], str]] = {
    EmptyFile: "empty-file",
    UnsupportedFormat: "unsupported-format",
    DamagedPicture: "damaged-picture",
    TooManyPixels: "too-many-pixels",
    TooComplex: "too-complex",
    BlankPicture: "blank-picture",
    TooLittleInk: "too-little-ink",
}
