"""`/api/v1/read`: reads the number on one picture."""

from functools import partial

from fastapi import APIRouter, Request

from src.app.api import schemas
from src.app.api.networks import Network
from src.app.api.routes import openapi, uploads
from src.app.api.routes.predict import Version
from src.app.api.state import AppState, get_state

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
    network = await state.traffic.choose(model)
    data = await uploads.picture(request)
    return await state.traffic.answer(network, partial(_read_with, state, data))


async def _read_with(state: AppState, data: bytes, network: Network) -> schemas.NumberReading:
    """Return what a network reads on a picture."""
    prediction, number = await state.executor.read(network.predictor, data)
    state.traffic.record(network, prediction)
    return schemas.build_number(number, network.version)
