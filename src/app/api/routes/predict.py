"""`/api/v1/predict`: reads the digit on one picture, or on each picture of a batch."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final, TypeVar

from anyio import current_effective_deadline, current_time, fail_after
from anyio.lowlevel import checkpoint
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator

from src.app.api import schemas
from src.app.api.core.problems import ApiProblem, Problem, build_problem
from src.app.api.executor import DecodeExecutor
from src.app.api.explanations import ACTIVATIONS, CHANGE, require_small
from src.app.api.networks import Network
from src.app.api.routes import openapi, uploads
from src.app.api.state import AppState, get_state
from src.model.errors import PICTURE_PROBLEMS, ArtefactError, PictureError
from src.model.inference.numbers import Number
from src.model.inference.predictor import Explanation, Prediction, Predictor

router = APIRouter(prefix="/api/v1", tags=["digits"])

T = TypeVar("T")
Answer = schemas.Details | schemas.Prediction | Problem  # for a picture of a batch

PATH: Final = "/api/v1/predict"
BATCH_TOO_SLOW: Final = "The pictures before this one took too long. Send this one again, in a smaller batch."
ANSWERS: Final = [JSONResponse({"prediction": digit}) for digit in range(10)]  # the default answers, rendered once


def parse_boolean(value: object) -> object:
    """Accept only "true" and "false", as OpenAPI writes them; pydantic would also accept "yes", "on" and "1"."""
    return {"true": True, "false": False}.get(value, "neither") if isinstance(value, str) else value


WithDetails = Annotated[
    bool,
    BeforeValidator(parse_boolean),
    Query(description="also return the confidence, all ten probabilities, the number on the picture and more"),
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
WithActivations = Annotated[
    bool,
    BeforeValidator(parse_boolean),
    Query(
        description="also return what each layer of the network computed, and its weights; includes the details; "
        "only for networks with under 20,000 parameters"
    ),
]
WithChange = Annotated[
    bool,
    BeforeValidator(parse_boolean),
    Query(description="also return few pixels that would change the answer; includes the details"),
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
            "without a query": {"prediction": 4},
            "details=true": schemas.DETAILS,
            "heat=true": schemas.DETAILS | schemas.HEAT,
            "steps=true": schemas.DETAILS | schemas.STEPS,
            "activations=true": schemas.DETAILS | ACTIVATIONS,
            "change=true": schemas.DETAILS | CHANGE,
        }
    )
    | openapi.problem_responses(
        *openapi.REQUEST_PROBLEMS,
        *openapi.PICTURE_PROBLEMS,
        parameters=("details", "steps", "heat", "activations", "change", "model"),
    ),
    openapi_extra=openapi.single_picture_body(),
)
async def predict(  # noqa: PLR0913 - one for each parameter of the query
    request: Request,
    *,
    details: WithDetails = False,
    steps: WithSteps = False,
    heat: WithHeat = False,
    activations: WithActivations = False,
    change: WithChange = False,
    model: Version = None,
) -> Response:
    """Read the digit on one picture, sent in a form or as the body itself."""
    wanted: dict[Explanation, bool] = {"heat": heat, "layers": activations, "change": change}
    explanations = tuple(explanation for explanation, is_wanted in wanted.items() if is_wanted)
    options = Options(details, steps, explanations, model)
    return await answer(get_state(request), partial(uploads.picture, request), options)


@dataclass(frozen=True)
class Options:
    """What a request asks for, as the route's parameters have it."""

    details: bool = False
    steps: bool = False
    explanations: tuple[Explanation, ...] = ()
    model: str | None = None


# By query; requests with another one go through the route.
USUAL_OPTIONS: Final = {b"": Options(), b"details=true": Options(details=True), b"details=false": Options()}


async def answer(state: AppState, read_picture: Callable[[], Awaitable[bytes]], options: Options) -> Response:
    """Return the response to a request whose picture `read_picture` returns."""
    network = await state.traffic.choose(options.model)
    if "layers" in options.explanations:
        require_small(network.predictor.description)
    data = await read_picture()
    return await state.traffic.answer(network, partial(_answer_with, state, data, options))


async def _answer_with(state: AppState, data: bytes, options: Options, network: Network) -> Response:
    """Return the response with what a network reads on a picture."""
    explanations = options.explanations
    if options.details or options.steps or explanations:
        try:
            prediction, number = await state.executor.read_details(network.predictor, data, options.steps, explanations)
        except ArtefactError as error:  # the network has other layers than those that can be shown
            raise ApiProblem("invalid-request", str(error)) from error
        state.traffic.record(network, prediction)
        return detailed_response(prediction, number, network.version, explanations)
    prediction = network.predictor.predict_candidates(await state.executor.preprocess(data))
    state.traffic.record(network, prediction)
    return ANSWERS[prediction.prediction]


@router.post(
    "/predict/batch",
    summary="Read a digit on each of several pictures",
    response_model=schemas.BatchAnswers,
    response_model_exclude_unset=True,
    responses=openapi.success(
        {"default": {"answers": [{"prediction": 4}, build_problem("blank-picture").model_dump()]}}
    )
    | openapi.problem_responses(*openapi.REQUEST_PROBLEMS, "too-many-files", parameters=("details", "model")),
    openapi_extra=openapi.batch_body(),
)
async def predict_batch(request: Request, details: WithDetails = False, model: Version = None) -> schemas.BatchAnswers:
    """Read a digit on each picture; answers are in the order of the files, with a problem for an unreadable one."""
    state = get_state(request)
    network = await state.traffic.choose(model)
    files = await uploads.pictures(request, state.settings.max_files)
    answers = await state.traffic.answer(network, partial(_answer_all, state, files, details))
    for answer in answers:
        if isinstance(answer, Problem):
            state.metrics.problem(answer.type.removeprefix("/problems/"))
    return schemas.BatchAnswers(answers=answers)


async def _answer_all(state: AppState, files: Sequence[bytes], details: bool, network: Network) -> list[Answer]:
    """Return the answer for each picture with what a network reads on them."""
    predict_all = _predict_all_with_details if details else _predict_all
    predictions, answers = await predict_all(state.executor, network.predictor, files)
    for prediction in predictions:
        state.traffic.record(network, prediction)
    return answers


async def _predict_all(
    executor: DecodeExecutor, predictor: Predictor, files: Sequence[bytes]
) -> tuple[list[Prediction], list[Answer]]:
    """Return the predictions, and the answer for each picture. All go through the network together."""
    candidates, answers = await _process_all(executor.preprocess, files)
    predictions = await executor.compute(partial(predictor.predict_batch, [*candidates.values()])) if candidates else []
    for number, prediction in zip(candidates, predictions, strict=True):
        answers[number] = schemas.Prediction(prediction=prediction.prediction)
    return predictions, [answers[number] for number in range(len(files))]


async def _predict_all_with_details(
    executor: DecodeExecutor, predictor: Predictor, files: Sequence[bytes]
) -> tuple[list[Prediction], list[Answer]]:
    """Return the predictions, and the answer for each picture with its details. The pictures are read one by one."""
    version = predictor.description.version

    async def read(data: bytes) -> tuple[Prediction, schemas.Details]:
        prediction, number = await executor.read_details(predictor, data)
        return prediction, schemas.build_details(prediction, number, version)

    results, answers = await _process_all(read, files)
    answers |= {number: details for number, (_, details) in results.items()}
    return [prediction for prediction, _ in results.values()], [answers[number] for number in range(len(files))]


async def _process_all(
    process: Callable[[bytes], Awaitable[T]], files: Sequence[bytes]
) -> tuple[dict[int, T], dict[int, Answer]]:
    """Return `process(file)` of each picture, and the problems of the others, by the number of the file.

    Takes at most half of the time that is left for the request: pictures that would come later are refused.
    """
    results: dict[int, T] = {}
    problems: dict[int, Answer] = {}
    end = (current_time() + current_effective_deadline()) / 2
    for number, data in enumerate(files):
        await checkpoint()  # plain pictures are read at once, and a batch of them would hold the event loop
        try:
            with fail_after(end - current_time()):
                results[number] = await process(data)
        except PictureError as error:
            problems[number] = build_problem(PICTURE_PROBLEMS[type(error)], str(error))
        except TimeoutError:
            problems[number] = build_problem("too-busy", BATCH_TOO_SLOW)
    return results, problems


def detailed_response(
    prediction: Prediction, number: Number, version: str, explanations: Collection[Explanation]
) -> Response:
    """Return a prediction with all its details, its explanations, and its steps if it has them."""
    build = schemas.build_details_with_steps if prediction.steps else schemas.build_details
    content = build(prediction, number, version, explanations).model_dump_json(exclude_unset=True)
    return Response(content, media_type="application/json")
