"""`/api/v1/feedback`: stores a picture with the digit that it really shows, if the service is configured to."""

import logging
from functools import partial
from hashlib import sha256
from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response

from src.app.api.core.problems import ApiProblem
from src.app.api.feedback_store import FeedbackStore, StoreFull
from src.app.api.routes import openapi, uploads
from src.app.api.routes.predict import Version
from src.app.api.schemas import FEEDBACK, Features
from src.app.api.state import get_state
from src.model.inference.predictor import Prediction
from src.model.monitoring.feedback import Feedback
from src.model.preprocessing.decode import find_format

router = APIRouter(prefix="/api/v1", tags=["digits"])

ALREADY_STORED: Final[openapi.Responses] = {
    200: {
        "model": Feedback,
        "description": "The picture is stored already, with the first correction",
        "content": {"application/json": {"examples": {"default": {"value": FEEDBACK}}}},
    }
}
log = logging.getLogger(__name__)

Digit = Annotated[int, Query(ge=0, le=9, description="the digit that the picture really shows")]


@router.get(
    "/features",
    summary="What is switched on",
    responses=openapi.success({"default": {"feedback": True}})
    | openapi.problem_responses("unauthorized", "invalid-request", "too-busy", "internal-error"),
)
async def features(request: Request) -> Features:
    """Say what this service is configured to do, so that a page offers only what works."""
    return Features(feedback=get_state(request).store is not None)


@router.post(
    "/feedback",
    summary="Correct an answer",
    status_code=201,
    response_model=Feedback,
    responses=ALREADY_STORED
    | openapi.success({"default": FEEDBACK}, 201)
    | openapi.problem_responses(
        *openapi.REQUEST_PROBLEMS,
        *openapi.PICTURE_PROBLEMS,
        "feedback-off",
        "feedback-full",
        "feedback-unavailable",
        parameters=("digit", "model"),
    ),
    openapi_extra=openapi.single_picture_body(),
)
async def feedback(request: Request, digit: Digit, response: Response, model: Version = None) -> Feedback:
    """Store a picture with the digit that it really shows and what the network read; each picture once."""
    state = get_state(request)
    if state.store is None:
        raise ApiProblem("feedback-off")
    predictor = await state.repository.predictor(model)
    data = await uploads.picture(request)
    prediction = predictor.predict_candidates(await state.executor.preprocess(data))
    store = partial(_store, state.store, data, digit, prediction, predictor.description.version)
    answer, is_new = await to_thread.run_sync(store)
    response.status_code = 201 if is_new else 200
    return answer


def _store(
    store: FeedbackStore, data: bytes, digit: int, prediction: Prediction, version: str
) -> tuple[Feedback, bool]:
    given = Feedback(
        sha256=sha256(data).hexdigest(),
        digit=digit,
        prediction=prediction.prediction,
        confidence=prediction.probabilities[prediction.prediction],
        digit_score=prediction.digit_score,
        model=version,
    )
    try:
        return store.keep(data, find_format(data).lower(), given)
    except StoreFull as error:
        raise ApiProblem("feedback-full") from error
    except OSError as error:
        log.exception("A corrected picture can't be stored.")
        raise ApiProblem("feedback-unavailable", headers={"Retry-After": "60"}) from error
