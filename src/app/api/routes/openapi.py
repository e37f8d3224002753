"""What OpenAPI says beyond the schemas: request bodies in several forms, and an example of every response."""

from collections.abc import Sequence
from typing import Any, Final

from src.app.api.core.problem_types import PROBLEM_TYPES
from src.app.api.core.problems import MEDIA_TYPE, build_problem
from src.app.api.routes import uploads
from src.app.api.routes.query import describe_unknown
from src.model.preprocessing.decode import FORMATS

Responses = dict[int | str, dict[str, Any]]  # by status

MISSPELT: Final = "detail"  # the parameter of the example of an invalid request

# Problems of every request with pictures.
REQUEST_PROBLEMS: Final = (
    "bad-request",
    "unauthorized",
    "unknown-model",
    "request-timeout",
    "file-too-large",
    "unsupported-media-type",
    "invalid-request",
    "internal-error",
    "not-ready",
    "too-busy",
)
# Problems of requests with a single picture.
PICTURE_PROBLEMS: Final = (
    "empty-file",
    "damaged-picture",
    "too-many-pixels",
    "too-many-files",
    "unsupported-format",
    "too-complex",
    "blank-picture",
    "too-little-ink",
)


def success(examples: dict[str, Any], status: int = 200) -> Responses:
    """Return OpenAPI's description of a successful response, with its examples by name. The first is shown first."""
    values = {name: {"summary": name, "value": example} for name, example in examples.items()}
    return {status: {"content": {"application/json": {"examples": values}}}}


def problem_responses(*names: str, parameters: Sequence[str] = ()) -> Responses:
    """Return OpenAPI's description of the problems `names`, by status, each with an example.

    `parameters` are those of the query, for the example of an invalid request.
    """
    responses: Responses = {}
    for name in names:
        status = PROBLEM_TYPES[name].status
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}}
        response = responses.setdefault(int(status), {"description": status.phrase, "content": content})
        examples = response["content"][MEDIA_TYPE]["examples"]
        detail = describe_unknown(MISSPELT, parameters) if name == "invalid-request" else None
        examples[name] = {"value": build_problem(name, detail).model_dump()}
    return responses


def single_picture_body() -> dict[str, Any]:
    """Return OpenAPI's description of a body with one picture: a form, or the file itself."""
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "required": ["file"], "properties": {"file": file}}
    media_types = [f"image/{name.lower()}" for name in FORMATS]
    raw = {media_type: {"schema": file} for media_type in [*media_types, "application/octet-stream"]}
    return {"requestBody": {"required": True, "content": {uploads.FORM: {"schema": form}, **raw}}}


def batch_body() -> dict[str, Any]:
    """Return OpenAPI's description of a form with several pictures."""
    files = {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
    form = {"type": "object", "required": ["files"], "properties": {"files": files}}
    return {"requestBody": {"required": True, "content": {uploads.FORM: {"schema": form}}}}
