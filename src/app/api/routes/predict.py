"""`/api/v1/predict`: reads the digit on one picture, or on each picture of a batch."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final

from anyio import current_effective_deadline, current_time, fail_after
from anyio.lowlevel import checkpoint
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator

from src.app.api import schemas
from src.app.api.core.problem_types import PICTURE_ERRORS
from src.app.api.core.problems import Problem, build_problem
from src.app.api.executor import DecodeExecutor
from src.app.api.routes import openapi, uploads
from src.app.api.state import get_state
from src.model.errors import PictureError
from src.model.inference.numbers import predict_number
from src.model.inference.predictor import Prediction, Predictor
from src.model.preprocessing.preprocess import Candidates
from src.model.preprocessing.segmentation import SegmentedPicture

router = APIRouter(prefix="/api/v1", tags=["digits"])

BATCH_TOO_SLOW: Final = "The pictures before this one took too long. Send this one again, in a smaller batch."
ANSWERS: Final = [JSONResponse({"prediction": digit}) for digit in range(10)]  # the default answers, rendered once


def parse_boolean(value: object) -> object:
    """Accept only "true" and "false", as OpenAPI writes them; pydantic would also accept "yes", "on" and "1"."""
    return {"true": True, "false": False}.get(value, "neither") if isinstance(value, str) else value


WithDetails = Annotated[
    bool,
    BeforeValidator(parse_boolean),
    Query(description="also return the confidence, all probabilities, the picture the network saw, and the number"),
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
    version = predictor.description.version
    if not (details or steps or heat):
        prediction = predictor.predict_candidates(await state.executor.preprocess(data))
        state.metrics.answer(prediction, version)
        return ANSWERS[prediction.prediction]
    picture = await state.executor.segment(data, keep_steps=steps)
    prediction, number = await state.executor.compute(partial(predict_number, predictor, picture, heat))
    state.metrics.answer(prediction, version)
    build = schemas.build_details_with_steps if steps else schemas.build_details
    answer = build(prediction, number, version)
    return Response(answer.model_dump_json(exclude_unset=True), media_type="application/json")


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

    pictures, problems = await _preprocess_all(state.executor, files, details)
    for problem in problems.values():
        state.metrics.problem(problem.type.removeprefix("/problems/"))
    answers: dict[int, schemas.Details | schemas.Prediction | Problem] = {**problems}
    if pictures:
        read_all = partial(_predict_all, predictor, [*pictures.values()])
        for number, (prediction, answer) in zip(pictures, await state.executor.compute(read_all), strict=True):
            state.metrics.answer(prediction, version)
            answers[number] = answer
    return schemas.BatchAnswers(answers=[answers[number] for number in range(len(files))])


async def _preprocess_all(
    executor: DecodeExecutor, files: Sequence[bytes], details: bool
) -> tuple[dict[int, Candidates | SegmentedPicture], dict[int, Problem]]:
    """Return the pictures, segmented for `details`, and the problems of the others, by the number of the file.

    Takes at most half of the time that is left for the request: pictures that would come later are refused.
    """
    pictures: dict[int, Candidates | SegmentedPicture] = {}
    problems: dict[int, Problem] = {}
    end = (current_time() + current_effective_deadline()) / 2
    for number, data in enumerate(files):
        await checkpoint()  # plain pictures are read at once, and a batch of them would hold the event loop
        try:
            with fail_after(end - current_time()):
                pictures[number] = await (executor.segment(data) if details else executor.preprocess(data))
        except PictureError as error:
            problems[number] = build_problem(PICTURE_ERRORS[type(error)], str(error))
        except TimeoutError:
            problems[number] = build_problem("too-busy", BATCH_TOO_SLOW)
    return pictures, problems


def _predict_all(
    predictor: Predictor, pictures: Sequence[Candidates | SegmentedPicture]
) -> list[tuple[Prediction, schemas.Details | schemas.Prediction]]:
    """Return the predictions, each with its answer: with details if the pictures are segmented."""
    segmented = [picture for picture in pictures if isinstance(picture, SegmentedPicture)]
    if segmented:
        version = predictor.description.version
        numbers = [predict_number(predictor, picture) for picture in segmented]
        return [(prediction, schemas.build_details(prediction, number, version)) for prediction, number in numbers]
    plain = [picture for picture in pictures if not isinstance(picture, SegmentedPicture)]
    predictions = predictor.predict_batch(plain)
    return [(prediction, schemas.Prediction(prediction=prediction.prediction)) for prediction in predictions]
