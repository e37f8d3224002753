"""Requests → the bytes of the pictures in them: the body itself, or the files of a form."""

from contextlib import aclosing

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from src.app.api.core.problems import ApiProblem

FORM = "multipart/form-data"
MAX_FIELDS = 16  # of a form that are no files: none is needed
HOW = (
    "Send the picture as a file in the field `file` (curl -F file=@digit.png …), or as the body with its content type."
)
HOW_MANY = "Send the pictures as files in the field `files`: curl -F files=@four.png -F files=@seven.png …"


async def picture(request: Request) -> bytes:
    """Return the one picture of a request. Raises `ApiProblem`."""
    media = _media_type(request)
    if media.startswith("image/") or media == "application/octet-stream":
        return await request.body()
    if media == FORM:
        too_many = "Send one picture at a time, or several to /api/v1/predict/batch."
        return (await _files(request, "file", HOW, 1, too_many))[0]
    raise ApiProblem("unsupported-media-type", HOW) if media else ApiProblem("invalid-request", HOW)


async def pictures(request: Request, most: int) -> list[bytes]:
    """Return the pictures of a batch, one or more. Raises `ApiProblem`."""
    if media := _media_type(request):
        if media != FORM:
            raise ApiProblem("unsupported-media-type", HOW_MANY)
        too_many = f"Send at most {most} pictures at once, and the rest after."
        return await _files(request, "files", HOW_MANY, most, too_many)
    raise ApiProblem("invalid-request", HOW_MANY)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _files(request: Request, field: str, how: str, most: int, too_many: str) -> list[bytes]:
    """Return the files in `field` of a form, in order; they stay in memory, since the body's size is bounded."""
    async with aclosing(request.stream()) as stream:
        parser = MultiPartParser(request.headers, stream, max_files=most, max_fields=MAX_FIELDS)
        parser.spool_max_size = 0  # no limit
        try:
            form = await parser.parse()
        except MultiPartException as error:
            if error.message.startswith("Too many files"):
                raise ApiProblem("too-many-files", too_many) from error
            raise ApiProblem("bad-request", f"The form can't be understood ({error.message}). {how}") from error
    found = [file.file.read() for file in form.getlist(field) if isinstance(file, UploadFile)]
    await form.close()
    if not found:
        raise ApiProblem("invalid-request", how)
    return found
