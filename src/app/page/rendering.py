"""The HTML that takes the answer's place on the page for a digit; page.css styles it."""

from html import escape
from typing import Final

from src.app.page.answer import MIN_CONFIDENCE, is_digit
from src.app.page.client import Model, Prediction, Steps
from src.app.page.errors import FILE_PROBLEMS, ProblemError, ServiceError
from src.app.page.i18n import format_count, format_percent, get_language, gettext_noop, translate

# Confidence is calibrated: of the answers with a confidence of 0.9, nine in ten are right.
CONFIDENCE_LABELS: Final = (
    (0.99, gettext_noop("Almost certain")),
    (0.95, gettext_noop("Quite sure")),
    (MIN_CONFIDENCE, gettext_noop("Probably")),
)
UNFINISHED_HEADLINES: Final = {
    "blank-picture": gettext_noop("Nothing drawn yet"),
    "too-little-ink": gettext_noop("Too little to read"),
}
# by the source of pictures that is open: what to do there
INVITATIONS: Final = {
    "draw": (
        gettext_noop("Draw a digit or a number"),
        gettext_noop("It is read as soon as you lift the pen. Or choose one of these, with the mouse or the keyboard:"),
    ),
    "upload": (
        gettext_noop("Choose a picture of a digit or a number"),
        gettext_noop("You can drop it, paste it, or choose several at once."),
    ),
    "camera": (
        gettext_noop("Take a photo of a digit or a number"),
        gettext_noop("Write it large, and hold the camera near and straight above it."),
    ),
    "no camera": (
        gettext_noop("There is no camera here"),
        gettext_noop("This browser gives the page no camera. Upload a picture instead."),
    ),
    "samples": (
        gettext_noop("Choose a digit to try"),
        gettext_noop("People drew these digits."),
    ),
}


def render_prediction(prediction: Prediction) -> str:
    """Return the digit, its confidence, the picture that the model saw, the ten probabilities, and the steps."""
    label = escape(confidence_label(prediction), quote=False)
    if is_digit(prediction):
        label += f" <span>{rounded_percent(prediction.confidence)}</span>"
    return f"""
    <section class="answer" lang="{get_language()}">
      <div class="verdict{"" if is_digit(prediction) else " doubtful"}" aria-live="polite">
        <p class="digit{"" if is_digit(prediction) else " unlikely"}">{prediction.prediction}</p>
        <p class="sure">{label}</p>
        {_render_doubt(prediction)}
      </div>
      <figure class="seen">
        <img src="{prediction.image}" alt="{escape(translate("Your digit as the model sees it, 28 by 28 pixels"))}"
          width="120" height="120">
        <figcaption>{translate("What the model saw")}</figcaption>
      </figure>
      {render_probabilities(prediction)}
      {_render_steps(prediction.steps, prediction.image) if prediction.steps else ""}
    </section>"""


def confidence_label(prediction: Prediction) -> str:
    """Return the confidence in words, or that this is not a digit."""
    if not is_digit(prediction):
        return translate("This doesn't look like a digit")
    if label := label_confidence(prediction.confidence):
        return label
    first, second = sorted(range(10), key=lambda digit: -prediction.probabilities[digit])[:2]
    return translate("Not sure: {first} or {second}", first=first, second=second)


def label_confidence(confidence: float) -> str:
    """Return a confidence in words; empty if it is low."""
    return next((translate(label) for minimum, label in CONFIDENCE_LABELS if confidence >= minimum), "")


def render_heatmap(image: str, heat: str) -> str:
    """Return the picture that the model saw, with the parts that its answer depends on glowing."""
    alt = translate("Heat map of the parts that the answer depends on, over the picture that the model saw")
    caption = translate(
        "Parts of the picture are covered one at a time. The brighter a part glows, the more the answer depends on it."
    )
    return f"""
    <figure class="heat" lang="{get_language()}">
      <div role="img" aria-label="{escape(alt)}"><img src="{image}" alt=""><span><img src="{heat}" alt=""></span></div>
      <figcaption>{escape(caption)}</figcaption>
    </figure>"""


def render_invitation(source: str) -> str:
    """Return what is shown while there is no picture; `source` is a key of `INVITATIONS`."""
    return _render_notice(*map(translate, INVITATIONS[source]))


def render_failure(error: ServiceError) -> str:
    """Return what is shown when there is no answer. A drawing that has only begun is not a failure."""
    text = translate(error.sentence, **error.values)
    problem = error.problem if isinstance(error, ProblemError) else ""
    if headline := UNFINISHED_HEADLINES.get(problem):
        return _render_notice(translate(headline), text, classes="notice unfinished")
    if problem in FILE_PROBLEMS:
        return _render_notice(translate("This file can't be read"), text, role="alert")
    headline = translate("No answer yet") if error.is_temporary else translate("No answer")
    return _render_notice(headline, text, role="alert")


def accuracy_label(model: Model) -> str:
    """Return a network's accuracy on the test digits as a phrase; empty if the service does not give it."""
    if not model.test:
        return ""
    share, pictures = format_percent(model.test.accuracy), format_count(model.test.pictures)
    return translate("{share} of {pictures} test digits correct", share=share, pictures=pictures)


def _render_notice(headline: str, text: str, role: str = "status", classes: str = "notice") -> str:
    return f"""
    <section class="{classes}" role="{role}" lang="{get_language()}">
      <p class="headline">{escape(headline)}</p>
      <p>{escape(text)}</p>
    </section>"""


def render_probabilities(prediction: Prediction) -> str:
    """Return the ten probabilities as bars."""
    bars = ""
    for digit, share in enumerate(prediction.probabilities):
        chosen = ' class="chosen"' if digit == prediction.prediction else ""
        percent = rounded_percent(share)
        bars += f'<li{chosen} style="--share: {share:.4f}"><b>{digit}</b><i></i><span>{percent}</span></li>'
    return f'<ol class="shares" start="0">{bars}</ol>'


def rounded_percent(share: float) -> str:
    """Return a share between 0 and 1 in whole per cent, as HTML."""
    # Rounded down, so that the number belongs to the same words as the share. Rounding must not turn a probability into
    # certainty or impossibility.
    number = "&gt;99" if share > 0.995 else "&lt;1" if share < 0.01 else str(int(100 * share + 1e-9))
    return translate("{number}%", number=number)


def _render_doubt(prediction: Prediction) -> str:
    if is_digit(prediction):
        return ""
    text = translate("The closest match is {digit}.", digit=prediction.prediction)
    return f'<p class="doubt">{text}</p>'


def _render_steps(steps: Steps, image: str) -> str:
    """Return the pictures between the original and the network's input, leaving out the steps that were skipped."""
    pictures = (
        ("ink", steps.ink, translate("Ink found")),
        ("crop", steps.crop, translate("Cropped")),
        ("box", steps.box, translate("Fitted into 20x20")),
        ("centre", image, translate("Centred by mass")),
    )
    items = [
        f'<li class="{name}"><div><img src="{picture}" alt=""></div><span>{caption}</span></li>'
        for name, picture, caption in pictures
        if picture
    ]
    label = translate("Steps from your picture to what the model saw")
    return f'<ol class="way" aria-label="{label}">{"".join(items)}</ol>'
