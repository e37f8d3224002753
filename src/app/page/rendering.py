"""What stands in the answer's place, as HTML. The look is in page.css."""

from collections.abc import Sequence
from html import escape
from typing import Final

from src.app.page.client import Answer, Model, Steps
from src.app.page.errors import PictureRefused, ServiceError
from src.app.page.i18n import count, language, message, percent, say

# Confidence is calibrated: of answers at 0.9, nine in ten are right.
SURE: Final = ((0.99, message("Almost certain")), (0.95, message("Quite sure")), (0.8, message("Probably")))
LIKE_A_DIGIT: Final = 0.5  # of the digit score


def answer(read: Answer) -> str:
    """Return the digit, how sure that is, the picture behind it, and the ten digits weighed against each other."""
    alt = say("Your digit as the model sees it, 28 by 28 pixels")
    return f"""
    <section class="answer" lang="{language()}">
      <div class="verdict" aria-live="polite">
        <p class="digit{"" if _is_one_digit(read) else " unlikely"}">{read.prediction}</p>
        <p class="sure">{sureness(read)}</p>
        {_doubt(read)}
      </div>
      <figure class="seen">
        <img src="{read.image}" alt="{escape(alt)}" width="120" height="120">
        <figcaption>{say("What the model saw")}</figcaption>
      </figure>
      {_shares(read)}
      {_way(read.steps, read.image) if read.steps else ""}
    </section>"""


def heat(image: str, glow: str) -> str:
    """Return the picture that the model saw, with what the answer rests on glowing."""
    alt = say("What the answer rests on, over the picture that the model saw")
    what = say("Pieces of the picture are covered one by one. It glows where that would cost the answer most.")
    return f"""
    <figure class="heat" lang="{language()}">
      <div role="img" aria-label="{escape(alt)}"><img src="{image}" alt=""><span><img src="{glow}" alt=""></span></div>
      <figcaption>{escape(what)}</figcaption>
    </figure>"""


def side_by_side(answers: Sequence[tuple[str, Model, Answer]]) -> str:
    """Return what networks, each with a name, read in the same picture."""
    cards = "".join(_card(*each) for each in answers)
    return f'<ul class="cards" lang="{language()}">{cards}</ul>'


def invitation() -> str:
    """Return what stands there while there is nothing to read."""
    return _notice(say("Draw a digit"), say("It is read when you lift the pen. A picture can be uploaded as well."))


def failure(error: ServiceError) -> str:
    """Return what stands there when no answer came. A blank picture is no failure."""
    blank = is_blank(error)
    headline = say("Nothing drawn yet") if blank else say("No answer yet")
    return _notice(headline, say(error.sentence, **error.values), role="status" if blank else "alert")


def is_blank(error: ServiceError) -> bool:
    """Tell whether nothing is wrong but that there is nothing to read."""
    return isinstance(error, PictureRefused) and error.problem == "blank-picture"


def sureness(read: Answer) -> str:
    """Return how sure the answer is, in words and per cent."""
    words = escape(sureness_in_words(read), quote=False)
    return f"{words} <span>{_percent(read.confidence)}</span>" if _is_one_digit(read) else words


def sureness_in_words(read: Answer) -> str:
    """Return how sure the answer is, or what keeps it from being one."""
    if read.digits_seen > 1:
        return say("{count} digits side by side", count=read.digits_seen)
    if not _looks_like_a_digit(read):
        return say("This doesn't look like a digit")
    for least, words in SURE:
        if read.confidence >= least:
            return say(words)
    first, second = sorted(range(10), key=lambda digit: -read.probabilities[digit])[:2]
    return say("Not sure: {first} or {second}", first=first, second=second)


def _looks_like_a_digit(read: Answer) -> bool:
    return read.digit_score >= LIKE_A_DIGIT


def _is_one_digit(read: Answer) -> bool:
    return read.digits_seen <= 1 and _looks_like_a_digit(read)


def _notice(headline: str, text: str, role: str = "status") -> str:
    return f"""
    <section class="notice" role="{role}" lang="{language()}">
      <p class="headline">{escape(headline)}</p>
      <p>{escape(text)}</p>
    </section>"""


def _card(name: str, model: Model, read: Answer) -> str:
    alt = say("What it sees: {network}", network=name)
    measured = ""
    if model.test:
        share, pictures = percent(model.test.accuracy), count(model.test.pictures)
        measured = say("{share} of {pictures} test digits right", share=share, pictures=pictures)
    return f"""
    <li class="card">
      <h2>{escape(name)}</h2>
      <img src="{read.image}" alt="{escape(alt)}" width="84" height="84">
      <p class="digit">{read.prediction} <span>{_percent(read.confidence)}</span></p>
      {_shares(read)}
      <p class="measured">{escape(measured)}</p>
    </li>"""


def _shares(read: Answer) -> str:
    return f'<ol class="shares" start="0">{"".join(_share(read, digit) for digit in range(10))}</ol>'


def _share(read: Answer, digit: int) -> str:
    share = read.probabilities[digit]
    chosen = ' class="chosen"' if digit == read.prediction else ""
    return f'<li{chosen} style="--share: {share:.4f}"><b>{digit}</b><i></i><span>{_percent(share)}</span></li>'


def _percent(share: float) -> str:
    # rounding must claim neither certainty nor impossibility
    number = "&gt;99" if share > 0.995 else "&lt;1" if share < 0.005 else f"{100 * share:.0f}"
    return say("{number}%", number=number)


def _doubt(read: Answer) -> str:
    if read.digits_seen > 1:
        return f'<p class="doubt">{say("One at a time is read. Taken as one, they come nearest to this.")}</p>'
    if _looks_like_a_digit(read):
        return ""
    nearest = say("The nearest would be {digit}.", digit=read.prediction)
    return f'<p class="doubt">{nearest}</p>'


def _way(steps: Steps, image: str) -> str:
    """Return the pictures between the drawing and what the network saw."""
    way = (
        ("ink", steps.ink, say("Ink found")),
        ("crop", steps.crop, say("Cut out")),
        ("box", steps.box, say("Fitted into 20x20")),
        ("centre", image, say("Centred by its mass")),
    )
    shown = [_step(name, picture, words) for name, picture, words in way if picture]
    return f'<ol class="way" aria-label="{say("From the drawing to what the model saw")}">{"".join(shown)}</ol>'


def _step(name: str, picture: str, words: str) -> str:
    return f'<li class="{name}"><div><img src="{picture}" alt=""></div><span>{words}</span></li>'
