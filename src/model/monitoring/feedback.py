"""The record that the service stores with a corrected picture, and that the pipeline learns from."""

from typing import Final

from pydantic import BaseModel, Field

MAX_NOTE_BYTES: Final = 10_000  # the service writes about 200


class Feedback(BaseModel):
    """A corrected picture as it is kept."""

    sha256: str = Field(description="of the picture; it is also the name of its file")
    digit: int = Field(ge=0, le=9, description="what it really was, as was said first")
    prediction: int = Field(ge=0, le=9)
    confidence: float = Field(ge=0, le=1)
    digit_score: float = Field(ge=0, le=1)
    model: str = Field(description="version of the network that answered")
