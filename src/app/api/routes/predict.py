"""`/api/v1/predict`: pictures in, digits out, one at a time or as a batch."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator

from src.app.api.core import problems
from src.app.api.core.problem_types import OF_PICTURES
from src.app.api.core.problems import Problem
from src.app.api.routes import openapi, uploads
from src.app.api.schemas import (
    DETAILS,
    HEAT,
    STEPS,
    BatchAnswers,
    Details,
    DetailsWithSteps,
    Prediction,
    details,
    details_with_steps,
)
from src.app.api.state import AppState, get_state
from src.model.errors import PictureError
from src.model.inference.predictor import Prediction as ModelPrediction
from src.model.inference.predictor import Predictor
from src.model.preprocessing.preprocess import Framed, preprocess

router = APIRouter(prefix="/api/v1", tags=["digits"])

REFUSALS: Final = (
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
PICTURE_REFUSALS: Final = (
    "empty-file",
    "damaged-picture",
    "too-many-pixels",
    "too-many-files",
    "unsupported-format",
    "blank-picture",
)
ANSWERS: Final = [JSONResponse({"prediction": digit}) for digit in range(10)]  # made once: there are no others


def true_or_false(value: object) -> object:
    """Take what OpenAPI's boolean is written as; pydantic would also take "yes", "on" and "1"."""
    return {"true": True, "false": False}.get(value, "neither") if isinstance(value, str) else value


WithDetails = Annotated[
    bool,
    BeforeValidator(true_or_false),
    Query(description="also say how sure, all ten probabilities and what was seen"),
]
WithSteps = Annotated[
    bool,
    BeforeValidator(true_or_false),
    Query(description="also show the steps from the picture to what was seen; brings the details along"),
]
WithHeat = Annotated[
    bool,
    BeforeValidator(true_or_false),
    Query(description="also show where on the picture the answer came from; brings the details along"),
]
Version = Annotated[
    str | None, Query(max_length=64, description="version of the network that answers; by default the newest release")
]


@router.post(
    "/predict",
    summary="Read a digit",
    response_model=DetailsWithSteps | Details | Prediction,
    responses=openapi.answered(
        {
            "default": {"prediction": 4},
            "details=true": DETAILS,
            "heat=true": DETAILS | HEAT,
            "steps=true": DETAILS | STEPS,
        }
    )
    | openapi.problem_responses(*REFUSALS, *PICTURE_REFUSALS),
    openapi_extra=openapi.one_picture(),
)
async def predict(
    request: Request,
    details: WithDetails = False,
    steps: WithSteps = False,
    heat: WithHeat = False,
    model: Version = None,
) -> Response:
    """Read the digit on one picture, sent in a form or as the body itself."""
    here = get_state(request)
    predictor = await here.repository.predictor(model)
    data = await uploads.picture(request)
    work = partial(read, predictor, data, keep_steps=steps, heat=heat)
    prediction = await (
        here.executor.run(work) if heat else here.executor.read(work, len(data))
    )  # heat is dozens of answers
    here.metrics.answer(prediction, predictor.description.version)
    return detailed_response(prediction, predictor) if details or steps or heat else ANSWERS[prediction.prediction]


@router.post(
    "/predict/batch",
    summary="Read a digit on each of several pictures",
    response_model=BatchAnswers,
    response_model_exclude_unset=True,
    responses=openapi.answered({"default": {"answers": [{"prediction": 4}, problems.example("blank-picture")]}})
    | openapi.problem_responses(*REFUSALS, "too-many-files"),
    openapi_extra=openapi.many_pictures(),
)
async def predict_batch(request: Request, details: WithDetails = False, model: Version = None) -> BatchAnswers:
    """Read a digit on each picture; the answers are in the order of the files, a problem where one can't be read."""
    here = get_state(request)
    predictor = await here.repository.predictor(model)
    found: list[Framed | PictureError] = []
    for data in await uploads.pictures(request, here.settings.max_files):
        try:
            found.append(await here.executor.run(partial(preprocess, data)))
        except PictureError as error:
            found.append(error)
    framed = [one for one in found if isinstance(one, Framed)]
    readings = iter(await here.executor.run(lambda _: predictor.predict_batch(framed)) if framed else ())
    answers = [
        _one_of_many(here, predictor, next(readings) if isinstance(one, Framed) else one, details) for one in found
    ]
    return BatchAnswers(answers=answers)


def read(
    predictor: Predictor, data: bytes, max_pixels: int, keep_steps: bool = False, heat: bool = False
) -> ModelPrediction:
    """Read the digit on the picture `data`; see `preprocess` for `keep_steps`. Raises a `PictureError`."""
    framed = preprocess(data, max_pixels, keep_steps)
    return predictor.predict_with_heat(framed) if heat else predictor.predict_framed(framed)


def detailed_response(prediction: ModelPrediction, predictor: Predictor) -> Response:
    """Return an answer with all its details, and with its steps and heat if they were kept."""
    version = predictor.description.version
    body = details_with_steps(prediction, version) if prediction.steps else details(prediction, version)
    return Response(body.model_dump_json(exclude_unset=True), media_type="application/json")


def _one_of_many(
    here: AppState, predictor: Predictor, found: ModelPrediction | PictureError, with_details: bool
) -> Details | Prediction | Problem:
    if isinstance(found, PictureError):
        here.metrics.problem(name := OF_PICTURES[type(found)])
        return problems.body(name, str(found))
    here.metrics.answer(found, predictor.description.version)
    if with_details:
        return details(found, predictor.description.version)
    return Prediction(prediction=found.prediction)
