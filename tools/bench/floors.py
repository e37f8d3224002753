"""The service with two more routes that do less, as lower bounds for the cost of a request. Run by `make bench`.

/floor/constant   reads the upload as FastAPI's routes do, and always gives the same answer
/floor/decoded    also decodes the picture, with OpenCV
"""

import cv2
import numpy as np
import uvicorn
from fastapi import Request, Response

from src.app import main, serve
from src.app.api.routes import uploads
from src.app.api.routes.predict import ANSWERS
from src.settings import read_settings

app = main.app


@app.post("/floor/constant")
async def constant(request: Request) -> Response:
    await uploads.picture(request)
    return ANSWERS[4]


@app.post("/floor/decoded")
async def decoded(request: Request) -> Response:
    picture = cv2.imdecode(np.frombuffer(await uploads.picture(request), np.uint8), cv2.IMREAD_UNCHANGED)
    return ANSWERS[0 if picture is None else 4]


if __name__ == "__main__":
    how = serve.config(read_settings())
    how.app = app
    uvicorn.Server(how).run()
