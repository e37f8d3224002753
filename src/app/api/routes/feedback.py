"""`/api/v1/feedback`: a picture and the digit that it really was, kept to learn from where that is wanted."""

import io
import logging
from functools import partial
from hashlib import sha256
from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from PIL import Image

from src.app.api.core import problems
from src.app.api.feedback_store import FeedbackStore, StoreFull
from src.app.api.routes import openapi, uploads
from src.app.api.routes.predict import PICTURE_REFUSALS, REFUSALS, Version, read
from src.app.api.schemas import FEEDBACK, Features
from src.app.api.state import get_state
from src.model.inference.predictor import Prediction as ModelPrediction
from src.model.monitoring.feedback import Feedback
from src.model.preprocessing.decode import FORMATS

router = APIRouter(prefix="/api/v1", tags=["digits"])

KEPT_BEFORE: Final[openapi.Responses] = {
    200: {
        "model": Feedback,
        "description": "The picture was kept before; this is what was said then",
        "content": {"application/json": {"examples": {"default": {"value": FEEDBACK}}}},
    }
}
log = logging.getLogger(__name__)

Digit = Annotated[int, Query(ge=0, le=9, description="the digit that it really was")]


@router.get(
    "/features",
    summary="What is switched on",
    responses=openapi.answered({"default": {"feedback": True}})
    | openapi.problem_responses("unauthorized", "too-busy", "internal-error"),
)
async def features(request: Request) -> Features:
    """Say what this service is set to do, so that a page offers only what works."""
    return Features(feedback=get_state(request).store is not None)


@router.post(
    "/feedback",
    summary="Correct an answer",
    status_code=201,
    response_model=Feedback,
    responses=KEPT_BEFORE
    | openapi.answered({"default": FEEDBACK}, 201)
    | openapi.problem_responses(*REFUSALS, *PICTURE_REFUSALS, "feedback-off", "feedback-full", "feedback-unavailable"),
    openapi_extra=openapi.one_picture(),
)
async def feedback(request: Request, digit: Digit, response: Response, model: Version = None) -> Feedback:
    """Keep a picture with the digit that it really was, and with what is read in it; each picture once."""
    here = get_state(request)
    if here.store is None:
        raise problems.ApiProblem("feedback-off")
    predictor = await here.repository.predictor(model)
    data = await uploads.picture(request)
    prediction = await here.executor.run(partial(read, predictor, data))
    kept = partial(_kept, here.store, data, digit, prediction, predictor.description.version)
    answer, new = await to_thread.run_sync(kept)
    response.status_code = 201 if new else 200
    return answer


def _kept(
    store: FeedbackStore, data: bytes, digit: int, prediction: ModelPrediction, version: str
) -> tuple[Feedback, bool]:
    given = Feedback(
        sha256=sha256(data).hexdigest(),
        digit=digit,
        prediction=prediction.prediction,
        confidence=prediction.probabilities[prediction.prediction],
        digit_score=prediction.digit_score,
        model=version,
    )
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        ending = str(image.format).lower()
    try:
        return store.keep(data, ending, given)
    except StoreFull as error:
        raise problems.ApiProblem("feedback-full") from error
    except OSError as error:
        log.exception("A corrected picture can't be stored.")
        raise problems.ApiProblem("feedback-unavailable", headers={"Retry-After": "60"}) from error
