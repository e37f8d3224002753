"""The HTML that takes the answer's place on the page for a number; page.css styles it."""

from html import escape

from src.app.page.answer import OTHER, Answer
from src.app.page.client import Mark, Prediction
from src.app.page.i18n import get_language, translate
from src.app.page.preview import Preview
from src.app.page.rendering import confidence_label, label_confidence, rounded_percent


def render_number(answer: Answer, preview: Preview | None) -> str:
    """Return the number, its confidence, the picture with a box around each digit, and the confidence of each."""
    number, label = answer.prediction, escape(answer_label(answer), quote=False)
    if OTHER not in answer.text:
        label += f" <span>{rounded_percent(answer.confidence)}</span>"
    return f"""
    <section class="answer number" lang="{get_language()}">
      <div class="verdict{" doubtful" if OTHER in answer.text else ""}" aria-live="polite">
        {_render_lines(number)}
        <p class="sure">{label}</p>
        {_render_truncation(number)}
      </div>
      {_render_boxes(number, preview) if preview else ""}
      <ol class="digits">{"".join(_render_mark(mark) for mark in number.digits)}</ol>
    </section>"""


def answer_label(answer: Answer) -> str:
    """Return the confidence in words, or why the picture is not one digit or number."""
    if not answer.is_number:
        return confidence_label(answer.prediction)
    if OTHER in answer.text:
        return translate("A ? is something that is not a digit")
    return label_confidence(answer.confidence) or translate("Not sure of every digit")


def _render_lines(number: Prediction) -> str:
    longest, lines = max(map(len, number.lines)), len(number.lines)
    html = "<br>".join(number.lines).replace(OTHER, f"<i>{OTHER}</i>")
    return f'<p class="digit" style="--length: {longest}; --lines: {lines}">{html}</p>'


def _render_truncation(number: Prediction) -> str:
    if not number.truncated:
        return ""
    text = translate("There are more marks than can be read. The smallest are left out.")
    return f'<p class="doubt">{escape(text)}</p>'


def _render_boxes(number: Prediction, preview: Preview) -> str:
    alt = escape(translate("Your picture, with a box around each digit"))
    boxes = "".join(_render_box(mark, preview) for mark in number.digits)
    size = f"--width: {preview.width}; --height: {preview.height}"
    return f'<div class="boxes" style="{size}"><img src="{preview.url}" alt="{alt}">{boxes}</div>'


def _render_box(mark: Mark, preview: Preview) -> str:
    left, top, width, height = mark.box
    place = {
        "left": left / preview.width,
        "top": top / preview.height,
        "width": width / preview.width,
        "height": height / preview.height,
    }
    style = "; ".join(f"{name}: {100 * share:.2f}%" for name, share in place.items())
    return f'<i{_other_class(mark)} style="{style}"></i>'


def _render_mark(mark: Mark) -> str:
    if mark.prediction is None or mark.confidence is None:
        return f"<li{_other_class(mark)}><b>{OTHER}</b><span>{escape(translate('not a digit'))}</span></li>"
    return f"<li><b>{mark.prediction}</b><span>{rounded_percent(mark.confidence)}</span></li>"


def _other_class(mark: Mark) -> str:
    return ' class="other"' if mark.prediction is None else ""
