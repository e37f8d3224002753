"""What the networks of the experiment answer for the visitor's digit: a card for each change, before and after."""

from collections.abc import Sequence
from html import escape

from src.app.page.client import Prediction
from src.app.page.i18n import format_count, format_percent, get_language, translate
from src.app.page.panels.experiment.competitors import Competitor, find_upright
from src.app.page.rendering import render_probabilities, rounded_percent

Answer = tuple[Competitor, Prediction]


def render_comparison(rows: Sequence[Sequence[Answer]], note: str) -> str:
    """Return a card for each row, the answers before and after a change, and a note on the last."""
    cards = "".join(_render_card(answers) for answers in rows)
    if note:
        cards += f'<li class="note">{escape(note)}</li>'
    return f'<ul class="cards" lang="{get_language()}">{cards}</ul>'


def _render_card(answers: Sequence[Answer]) -> str:
    competitor, prediction = answers[-1]
    readings = '<i aria-hidden="true">→</i>'.join(_render_reading(*answer) for answer in answers)
    return f"""
    <li class="card">
      <h2>{escape(competitor.name)} <small>{escape(competitor.long_name)}</small></h2>
      <div class="readings">{readings}</div>
      {render_probabilities(prediction)}
    </li>"""


def _render_reading(competitor: Competitor, prediction: Prediction) -> str:
    """Return the picture that a network saw, its answer, and its accuracy."""
    alt = translate("Input of the network: {network}", network=competitor.name)
    transform = find_upright(competitor.model) if competitor.is_recovered else ""
    style = f' style="transform: {transform}"' if transform else ""
    return f"""
      <div class="reading">
        <img src="{prediction.image}" alt="{escape(alt)}" width="84" height="84"{style}>
        <p class="digit">{prediction.prediction} <span>{rounded_percent(prediction.confidence)}</span></p>
        {_render_accuracy(competitor)}
      </div>"""


def _render_accuracy(competitor: Competitor) -> str:
    test = competitor.model.test
    if not test:
        return ""
    of = translate("of {pictures} test digits", pictures=format_count(test.pictures))
    return f'<p class="measured"><b>{format_percent(test.accuracy)}</b> <span>{of}</span></p>'
