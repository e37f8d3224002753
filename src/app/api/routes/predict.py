"""`/api/v1/predict`: reads the digit on one picture, or on each picture of a batch."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator

from src.app.api import schemas
from src.app.api.core.problem_types import PICTURE_ERRORS
from src.app.api.core.problems import Problem, build_problem
from src.app.api.routes import openapi, uploads
from src.app.api.state import get_state
from src.model.errors import PictureError
from src.model.inference.predictor import Prediction, Predictor
from src.model.preprocessing.preprocess import Framed, preprocess

router = APIRouter(prefix="/api/v1", tags=["digits"])

ANSWERS: Final = [JSONResponse({"prediction": digit}) for digit in range(10)]  # the default answers, rendered once


def parse_boolean(value: object) -> object:
    """Accept only "true" and "false", as OpenAPI writes them; pydantic would also accept "yes", "on" and "1"."""
    return {"true": True, "false": False}.get(value, "neither") if isinstance(value, str) else value


WithDetails = Annotated[
    bool,
    BeforeValidator(parse_boolean),
    Query(description="also return the confidence, all ten probabilities and the picture that the network saw"),
]
WithSteps = Annotated[
    bool,
    BeforeValidator(parse_boolean),
    Query(description="also return the steps from the file to what the network saw; includes the details"),
]
WithHeat = Annotated[
    bool,
    BeforeValidator(parse_boolean),
    Query(description="also return where on the picture the answer came from; includes the details"),
]
Version = Annotated[
    str | None, Query(max_length=64, description="version of the network to use; by default the newest release")
]


@router.post(
    "/predict",
    summary="Read a digit",
    response_model=schemas.DetailsWithSteps | schemas.Details | schemas.Prediction,
    responses=openapi.success(
        {
            "default": {"prediction": 4},
            "details=true": schemas.DETAILS,
            "heat=true": schemas.DETAILS | schemas.HEAT,
            "steps=true": schemas.DETAILS | schemas.STEPS,
        }
    )
    | openapi.problem_responses(*openapi.REQUEST_PROBLEMS, *openapi.PICTURE_PROBLEMS),
    openapi_extra=openapi.single_picture_body(),
)
async def predict(
    request: Request,
    details: WithDetails = False,
    steps: WithSteps = False,
    heat: WithHeat = False,
    model: Version = None,
) -> Response:
    """Read the digit on one picture, sent in a form or as the body itself."""
    state = get_state(request)
    predictor = await state.repository.predictor(model)
    data = await uploads.picture(request)
    work = partial(predict_picture, predictor, data, state.settings.max_pixels, keep_steps=steps, heat=heat)
    prediction = await state.executor.run(work, data, inline=not heat)  # heat takes up to 65 predictions
    state.metrics.answer(prediction, predictor.description.version)
    return detailed_response(prediction, predictor) if details or steps or heat else ANSWERS[prediction.prediction]


@router.post(
    "/predict/batch",
    summary="Read a digit on each of several pictures",
    response_model=schemas.BatchAnswers,
    response_model_exclude_unset=True,
    responses=openapi.success(
        {"default": {"answers": [{"prediction": 4}, build_problem("blank-picture").model_dump()]}}
    )
    | openapi.problem_responses(*openapi.REQUEST_PROBLEMS, "too-many-files"),
    openapi_extra=openapi.batch_body(),
)
async def predict_batch(request: Request, details: WithDetails = False, model: Version = None) -> schemas.BatchAnswers:
    """Read a digit on each picture; answers are in the order of the files, with a problem for an unreadable one."""
    state = get_state(request)
    predictor = await state.repository.predictor(model)
    version = predictor.description.version
    files = await uploads.pictures(request, state.settings.max_files)

    framed: dict[int, Framed] = {}  # by the file's number
    answers: dict[int, schemas.Details | schemas.Prediction | Problem] = {}
    for number, data in enumerate(files):
        try:
            decode = partial(preprocess, data, state.settings.max_pixels)
            framed[number] = await state.executor.run(decode, data, inline=False)
        except PictureError as error:
            name = PICTURE_ERRORS[type(error)]
            state.metrics.problem(name)
            answers[number] = build_problem(name, str(error))

    if framed:
        read_all = partial(predictor.predict_batch, list(framed.values()))
        predictions = await state.executor.run(read_all, b"", inline=False)
        for number, prediction in zip(framed, predictions, strict=True):
            state.metrics.answer(prediction, version)
            answers[number] = (
                schemas.build_details(prediction, version)
                if details
                else schemas.Prediction(prediction=prediction.prediction)
            )
    return schemas.BatchAnswers(answers=[answers[number] for number in range(len(files))])


def predict_picture(
    predictor: Predictor, data: bytes, max_pixels: int, keep_steps: bool = False, heat: bool = False
) -> Prediction:
    """Read the digit on the picture file `data`; see `preprocess` for `keep_steps`. Raises a `PictureError`."""
    framed = preprocess(data, max_pixels, keep_steps)
    return predictor.predict_with_heat(framed) if heat else predictor.predict_framed(framed)


def detailed_response(prediction: Prediction, predictor: Predictor) -> Response:
    """Return a prediction with all its details, and with its steps and heat if it has them."""
    version = predictor.description.version
    build = schemas.build_details_with_steps if prediction.steps else schemas.build_details
    return Response(build(prediction, version).model_dump_json(exclude_unset=True), media_type="application/json")
