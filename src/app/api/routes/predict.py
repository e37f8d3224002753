"""`/api/v1/predict`: reads the digit on one picture, or on each picture of a batch."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
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
from src.app.api.state import AppState, get_state
from src.model.errors import PictureError
from src.model.inference.predictor import Prediction, Predictor
from src.model.preprocessing.preprocess import Candidates

router = APIRouter(prefix="/api/v1", tags=["digits"])

PATH: Final = "/api/v1/predict"
BATCH_TOO_SLOW: Final = "The pictures before this one took too long. Send this one again, in a smaller batch."
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
    return await answer(get_state(request), partial(uploads.picture, request), Options(details, steps, heat, model))


@dataclass(frozen=True)
class Options:
    """What a request asks for, as the route's parameters have it."""

    details: bool = False
    steps: bool = False
    heat: bool = False
    model: str | None = None


# By query; requests with another one go through the route.
USUAL_OPTIONS: Final = {b"": Options(), b"details=true": Options(details=True), b"details=false": Options()}


async def answer(state: AppState, read_picture: Callable[[], Awaitable[bytes]], options: Options) -> Response:
    """Return the response to a request whose picture `read_picture` returns."""
    predictor = await state.repository.predictor(options.model)
    data = await read_picture()
    candidates = await state.executor.preprocess(data, keep_steps=options.steps)
    if options.heat:  # up to 65 predictions
        prediction = await state.executor.compute(partial(predictor.predict_candidates, candidates, heat=True))
    else:
        prediction = predictor.predict_candidates(candidates)
    state.metrics.answer(prediction, predictor.description.version)
    detailed = options.details or options.steps or options.heat
    return detailed_response(prediction, predictor) if detailed else ANSWERS[prediction.prediction]


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

    candidates, problems = await _preprocess_all(state.executor, files)
    for problem in problems.values():
        state.metrics.problem(problem.type.removeprefix("/problems/"))
    answers: dict[int, schemas.Details | schemas.Prediction | Problem] = {**problems}
    if candidates:
        read_all = partial(_predict_all, predictor, [*candidates.values()], details)
        for number, (prediction, answer) in zip(candidates, await state.executor.compute(read_all), strict=True):
            state.metrics.answer(prediction, version)
            answers[number] = answer
    return schemas.BatchAnswers(answers=[answers[number] for number in range(len(files))])


async def _preprocess_all(
    executor: DecodeExecutor, files: Sequence[bytes]
) -> tuple[dict[int, Candidates], dict[int, Problem]]:
    """Return the candidates of each picture, and the problems of the others, by the number of the file.

    Takes at most half of the time that is left for the request: pictures that would come later are refused.
    """
    candidates: dict[int, Candidates] = {}
    problems: dict[int, Problem] = {}
    end = (current_time() + current_effective_deadline()) / 2
    for number, data in enumerate(files):
        await checkpoint()  # plain pictures are read at once, and a batch of them would hold the event loop
        try:
            with fail_after(end - current_time()):
                candidates[number] = await executor.preprocess(data)
        except PictureError as error:
            problems[number] = build_problem(PICTURE_ERRORS[type(error)], str(error))
        except TimeoutError:
            problems[number] = build_problem("too-busy", BATCH_TOO_SLOW)
    return candidates, problems


def _predict_all(
    predictor: Predictor, pictures: Sequence[Candidates], details: bool
) -> list[tuple[Prediction, schemas.Details | schemas.Prediction]]:
    """Return the predictions, each with its answer."""
    predictions = predictor.predict_batch(pictures)
    if not details:
        return [(prediction, schemas.Prediction(prediction=prediction.prediction)) for prediction in predictions]
    version = predictor.description.version
    return [(prediction, schemas.build_details(prediction, version)) for prediction in predictions]


def detailed_response(prediction: Prediction, predictor: Predictor) -> Response:
    """Return a prediction with all its details, and with its steps and heat if it has them."""
    version = predictor.description.version
    build = schemas.build_details_with_steps if prediction.steps else schemas.build_details
    return Response(build(prediction, version).model_dump_json(exclude_unset=True), media_type="application/json")
