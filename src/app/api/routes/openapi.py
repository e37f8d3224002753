"""What OpenAPI says beyond the schemas: bodies in several forms, and an example of every answer."""

from typing import Any

from src.app.api.core.problem_types import PROBLEM_TYPES
from src.app.api.core.problems import MEDIA_TYPE, example
from src.app.api.routes import uploads
from src.model.preprocessing.decode import FORMATS

Responses = dict[int | str, dict[str, Any]]  # by status


def answered(examples: dict[str, Any], status: int = 200) -> Responses:
    """Return OpenAPI's description of an answer that is no problem."""
    shown = {name: {"value": example} for name, example in examples.items()}
    return {status: {"content": {"application/json": {"examples": shown}}}}


def problem_responses(*names: str) -> Responses:
    """Return OpenAPI's description of the problems `names`, by status, each with an example."""
    answers: Responses = {}
    for name in names:
        status = PROBLEM_TYPES[name].status
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}}
        answer = answers.setdefault(int(status), {"description": status.phrase, "content": content})
        examples = answer["content"][MEDIA_TYPE]["examples"]
        examples[name] = {"value": example(name)}
    return answers


def one_picture() -> dict[str, Any]:
    """Return OpenAPI's description of a body with one picture, in either form."""
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "required": ["file"], "properties": {"file": file}}
    kinds = [f"image/{kind.lower()}" for kind in FORMATS]
    raw = {kind: {"schema": file} for kind in [*kinds, "application/octet-stream"]}
    return {"requestBody": {"required": True, "content": {uploads.FORM: {"schema": form}, **raw}}}


def many_pictures() -> dict[str, Any]:
    """Return OpenAPI's description of a form with several pictures."""
    files = {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
    form = {"type": "object", "required": ["files"], "properties": {"files": files}}
    return {"requestBody": {"required": True, "content": {uploads.FORM: {"schema": form}}}}
