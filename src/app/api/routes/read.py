"""`/api/v1/read`: reads the number on one picture."""

from fastapi import APIRouter, Request

from src.app.api import schemas
from src.app.api.routes import openapi, uploads
from src.app.api.routes.predict import Version
from src.app.api.state import get_state

router = APIRouter(prefix="/api/v1", tags=["digits"])


@router.post(
    "/read",
    summary="Read a number",
    response_model=schemas.NumberReading,
    responses=openapi.success({"default": schemas.NUMBER | {"model": schemas.DETAILS["model"]}})
    | openapi.problem_responses(*openapi.REQUEST_PROBLEMS, *openapi.PICTURE_PROBLEMS, parameters=("model",)),
    openapi_extra=openapi.single_picture_body(),
)
async def read(request: Request, model: Version = None) -> schemas.NumberReading:
    """Read all digits on one picture, in reading order, with their places."""
    state = get_state(request)
    predictor = await state.repository.predictor(model)
    prediction, number = await state.executor.read(predictor, await uploads.picture(request))
    version = predictor.description.version
    state.metrics.answer(prediction, version)
    return schemas.build_number(number, version)
