"""A worksheet of the experiment for a classroom: one A4 page to print, at `/worksheet` of the page's server.

It is a document of its own, because Streamlit's pages print badly. Its figures are those of the service's networks.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps
from starlette.requests import Request
from starlette.responses import HTMLResponse

from src.app.page.client import Model
from src.app.page.errors import ServiceError
from src.app.page.i18n import (
    LANGUAGES,
    format_count,
    format_percent,
    get_language,
    gettext_noop,
    translate,
    use_language,
)
from src.app.page.panels.experiment.competitors import Competitor, find_upright, list_competitors
from src.app.page.panels.experiment.test_digits import load_test_digits

Competitors = Mapping[str, Competitor]

PRINT_SCRIPT: Final = "document.querySelector('button').onclick = () => print()"  # front.py lets browsers run it
KNOWN, UNKNOWN = 4, 17  # of the test digits: a four, and a seven that pupils see scrambled only
SCALE: Final = 8  # dots for each pixel, as viewers of PDF files blur small pictures
NONE: Final = "&ndash;"  # there is no such network
DRAWN: Final = 10  # digits that pupils draw for their score
# a row for each network: its kinds with the pixels in place, scrambled, and with the layout found again
KINDS: Final = (("cnn", "cnn-permuted", "cnn-recovered"), ("mlp", "mlp-permuted", ""))
QUESTION: Final = gettext_noop(
    "A network has learned to read handwritten digits. Now all 784 pixels of every picture are moved to other places, "
    "always in the same way, and it learns again from such pictures. Can it still read?"
)
DESCRIPTIONS: Final = {
    "cnn": gettext_noop(
        "It slides small filters over the picture, 5x5 pixels at a time, and looks for strokes among pixels that are "
        "neighbours. It has {count} weights."
    ),
    "mlp": gettext_noop(
        "Each of its units weighs every pixel by itself. No weight knows which pixels are neighbours. It has {count} "
        "weights."
    ),
}
SCORE_TASK: Final = gettext_noop(
    "Open the experiment on the page, scramble the pixels, and draw {count} digits. The page counts how many of them "
    "each network reads:"
)
TASKS: Final = (
    gettext_noop("C was scrambled like B. Which digit could it be? What would help you to read it?"),
    gettext_noop("Guess before you try: which network will suffer more from scrambling, the CNN or the MLP? Why?"),
    SCORE_TASK,
    gettext_noop("Why does scrambling hardly affect the MLP?"),
    gettext_noop(
        "Scrambling loses no pixel. How could one find out, from many scrambled pictures, which pixels were neighbours?"
    ),
)
CONCLUSIONS: Final = (
    gettext_noop(
        "The CNN reads better because it is built on a fact about pictures: neighbouring pixels belong together. Once "
        "they are scrambled, that no longer helps, and it does no better than the MLP."
    ),
    gettext_noop(
        "The MLP never used this fact. Scrambling only exchanges which of its weights belongs to which pixel."
    ),
    gettext_noop(
        "No information is lost. Pixels that are often dark together were neighbours: that is enough to find the "
        "layout again from scrambled pictures alone (D), and with it the CNN reads nearly as well as before."
    ),
)

_STYLE: Final = Path(__file__).with_suffix(".css").read_text("utf-8")


def serve_worksheet(request: Request) -> HTMLResponse:
    """Answer `GET /worksheet?language=fr`; in English if there is no such language."""
    language = request.query_params.get("language", "")
    with use_language(language if language in LANGUAGES else "en"):
        try:
            competitors = list_competitors()
        except ServiceError as error:
            return _respond(f"<p>{escape(translate(error.sentence, **error.values))}</p>", 503)
        if not competitors:
            return _respond(f"<p>{translate('This service does not have the networks of the experiment.')}</p>", 404)
        return _respond(render_worksheet(competitors), 200)


def _respond(content: str, status: int) -> HTMLResponse:
    document = f"""<!doctype html>
<html lang="{get_language()}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>{translate("Scrambled pixels")}</title>
    <style>{_STYLE}</style>
  </head>
  <body>
    <button type="button">{translate("Print")}</button>
    <main>
      <header>
        <h1>{translate("Scrambled pixels")}</h1>
        <p>{translate("Name")} <i></i> {translate("Date")} <i></i></p>
      </header>
      {content}
    </main>
    <script>{PRINT_SCRIPT}</script>
  </body>
</html>
"""
    return HTMLResponse(document, status)


def render_worksheet(competitors: Competitors) -> str:
    """Return the question, the tasks with lines to write on, and, to be folded back, the figures and what they mean."""
    order = competitors["cnn-permuted"].model.order if "cnn-permuted" in competitors else None
    networks = [_describe(competitors[kind], text) for kind, text in DESCRIPTIONS.items() if kind in competitors]
    return f"""
      <p class="question">{escape(translate(QUESTION))}</p>
      <section class="given">
        {_render_picture("A", KNOWN, translate("a digit, 28x28 pixels"))}
        {_render_picture("B", KNOWN, translate("the same, scrambled"), order)}
        {_render_picture("C", UNKNOWN, translate("another digit, scrambled"), order)}
        <dl>{"".join(networks)}</dl>
      </section>
      <ol class="tasks">{"".join(map(_render_task, TASKS))}</ol>
      <p class="fold"><span>{escape(translate("Fold this part back before you begin"))}</span></p>
      {_render_results(competitors)}"""


def _describe(competitor: Competitor, text: str) -> str:
    description = translate(text, count=format_count(competitor.model.parameters))
    term = f"{escape(competitor.name)} <small>{escape(competitor.long_name)}</small>"
    return f"<dt>{term}</dt><dd>{escape(description)}</dd>"


def _render_picture(letter: str, digit: int, caption: str, order: Sequence[int] | None = None, turn: str = "") -> str:
    """Return a test digit in black on white, with its pixels in another order, turned by a CSS transform."""
    with Image.open(io.BytesIO(load_test_digits()[digit][1])) as picture:
        pixels = ImageOps.invert(picture.convert("L")).tobytes()
        size = picture.size
    moved = Image.frombytes("L", size, bytes(pixels[place] for place in order) if order else pixels)
    file = io.BytesIO()
    ImageOps.scale(moved, SCALE, Image.Resampling.NEAREST).save(file, "PNG")
    url = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    style = f' style="transform: {turn}"' if turn else ""
    caption = escape(caption)
    return f"""
        <figure>
          <img src="{url}" alt="{caption}"{style}>
          <figcaption><b>{letter}</b> {caption}</figcaption>
        </figure>"""


def _render_task(task: str) -> str:
    """Return a task with lines to write on, or with a table for the score."""
    text = escape(translate(task, count=DRAWN) if task == SCORE_TASK else translate(task))
    if task != SCORE_TASK:
        return f"<li>{text}<i></i><i></i></li>"
    blank = translate("{right} of {count}", right="<i></i>", count=DRAWN)
    return f"<li>{text}{_render_table([[blank if kind else NONE for kind in row] for row in KINDS])}</li>"


def _render_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table with a row for each network."""
    columns = (translate("pixels in place"), translate("scrambled"), translate("layout found again"))
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in row)}</tr>'
        for name, row in zip((translate("CNN"), translate("MLP")), rows, strict=True)
    )
    return f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"


def _render_results(competitors: Competitors) -> str:
    """Return the networks' accuracies, the digit with its layout found again, and what to conclude."""
    tests = {kind: competitor.model.test for kind, competitor in competitors.items() if competitor.model.test}
    cells = [[format_percent(tests[kind].accuracy) if kind in tests else NONE for kind in row] for row in KINDS]
    measured = translate(
        "Of {pictures} digits that no network had seen before, each read correctly:",
        pictures=format_count(max((test.pictures for test in tests.values()), default=0)),
    )
    recovered = competitors.get("cnn-recovered")
    picture = _render_recovered(recovered.model) if recovered else ""
    return f"""
      <section class="results">
        <h2>{escape(translate("What was measured"))}</h2>
        <div><p>{escape(measured)}</p>{_render_table(cells)}</div>
        {picture}
        <h2>{escape(translate("What to conclude"))}</h2>
        <ul>{"".join(f"<li>{escape(translate(text))}</li>" for text in CONCLUSIONS)}</ul>
      </section>"""


def _render_recovered(model: Model) -> str:
    return _render_picture("D", UNKNOWN, translate("= C, layout found again"), model.order, find_upright(model))
