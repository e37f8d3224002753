"""Reads the picture files of a request: its body, or the files of a form."""

import re
from contextlib import aclosing
from typing import Final

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from src.app.api.core.problems import ApiProblem

FORM: Final = "multipart/form-data"
# What clients say if nobody tells them: curl --data-binary claims a form of this kind, others say nothing.
UNTOLD: Final = ("", "application/x-www-form-urlencoded")
TEXT: Final = re.compile(rb"[\t\n\r -~]*")
START: Final = 64  # bytes: every accepted format has others than those of text among its first
MAX_FIELDS: Final = 16  # fields of a form that are not files: the service needs none
SINGLE_HINT: Final = (
    "Send the picture as a file in the field `file` (curl -F file=@digit.png …), or as the body with its content type."
)
BATCH_HINT: Final = "Send the pictures as files in the field `files`: curl -F files=@four.png -F files=@seven.png …"


async def picture(request: Request) -> bytes:
    """Return the one picture of a request. Raises `ApiProblem` if there is not exactly one."""
    media_type = _media_type(request)
    if media_type.startswith("image/") or media_type == "application/octet-stream":
        return await request.body()
    if media_type in UNTOLD and not TEXT.fullmatch((body := await request.body())[:START]):
        return body
    too_many = "Send one picture at a time, or several to /api/v1/predict/batch."
    return (await _form_files(request, "file", SINGLE_HINT, 1, too_many))[0]


async def pictures(request: Request, max_files: int) -> list[bytes]:
    """Return the pictures of a batch, at least one. Raises `ApiProblem` if there are none or more than `max_files`."""
    too_many = f"Send at most {max_files} pictures at once, and the rest after."
    return await _form_files(request, "files", BATCH_HINT, max_files, too_many)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _form_files(request: Request, field: str, hint: str, max_files: int, too_many: str) -> list[bytes]:
    """Return the files in `field` of a form, in order. They stay in memory: the middleware limits the body's size."""
    if (media_type := _media_type(request)) != FORM:
        raise ApiProblem("unsupported-media-type" if media_type else "invalid-request", hint)
    async with aclosing(request.stream()) as stream:
        parser = MultiPartParser(request.headers, stream, max_files=max_files, max_fields=MAX_FIELDS)
        parser.spool_max_size = 0  # no limit
        try:
            form = await parser.parse()
        except MultiPartException as error:
            if error.message.startswith("Too many files"):
                raise ApiProblem("too-many-files", too_many) from error
            raise ApiProblem("bad-request", f"The form can't be understood ({error.message}). {hint}") from error
    files = [file.file.read() for file in form.getlist(field) if isinstance(file, UploadFile)]
    await form.close()
    if not files:
        raise ApiProblem("invalid-request", hint)
    return files
