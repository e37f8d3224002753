"""Every error that this project raises on purpose.

    DigitError
    ├── PictureError            the picture that somebody sent can't be read
    │   ├── EmptyFile
    │   ├── UnsupportedFormat
    │   ├── DamagedPicture
    │   ├── TooManyPixels
    │   └── BlankPicture
    ├── DataError               MNIST is missing, damaged or out of reach
    └── ArtefactError           the files of a trained network don't belong together

Each carries one sentence that tells its predictor what to do.
"""


class DigitError(Exception):
    """The root: whatever is raised on purpose is one of these."""


class PictureError(DigitError):
    """The picture that somebody sent can't be read."""


class EmptyFile(PictureError):  # noqa: N818 - the name is the problem's name in the API
    """The file holds no bytes."""


class UnsupportedFormat(PictureError):  # noqa: N818
    """The file is not a picture of an accepted format."""


class DamagedPicture(PictureError):  # noqa: N818
    """The file starts like a picture and then breaks off or makes no sense."""


class TooManyPixels(PictureError):  # noqa: N818
    """The picture is larger than the service will decode."""


class BlankPicture(PictureError):  # noqa: N818
    """There is no ink on the picture."""


class DataError(DigitError):
    """MNIST is missing, damaged or out of reach."""


class ArtefactError(DigitError):
    """The files of a trained network are missing or don't belong together."""
