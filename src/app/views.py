"""What stands in the answer's place, as HTML. The look is in front.css."""

from html import escape

from src.app.client import Answer


def answer(read: Answer) -> str:
    """Return the digit, how sure that is, the picture behind it, and the ten digits weighed against each other."""
    return f"""
    <section class="answer">
      <div class="verdict">
        <p class="digit">{read.prediction}</p>
        <p class="sure">{_percent(read.confidence)} sure</p>
        {_doubt(read)}
      </div>
      <figure class="seen">
        <img src="{read.image}" alt="Your digit as the model sees it, 28 by 28 pixels" width="120" height="120">
        <figcaption>What the model saw</figcaption>
      </figure>
      <ol class="shares" start="0">{"".join(_share(read, digit) for digit in range(10))}</ol>
    </section>"""


def invitation() -> str:
    """Return what stands there while there is nothing to read."""
    return """
    <section class="notice">
      <p class="headline">Draw a digit</p>
      <p>It is read when you lift the pen. A picture can be uploaded as well.</p>
    </section>"""


def failure(sentence: str) -> str:
    """Return what stands there when no answer came; `sentence` says why."""
    return f"""
    <section class="notice" role="alert">
      <p class="headline">No answer yet</p>
      <p>{escape(sentence)}</p>
    </section>"""


def _share(read: Answer, digit: int) -> str:
    share = read.probabilities[digit]
    chosen = ' class="chosen"' if digit == read.prediction else ""
    return f'<li{chosen} style="--share: {share:.4f}"><b>{digit}</b><i></i><span>{_percent(share)}</span></li>'


def _percent(share: float) -> str:
    # rounding must claim neither certainty nor impossibility
    if share > 0.995:
        return "&gt;99%"
    return "&lt;1%" if share < 0.005 else f"{share:.0%}"


def _doubt(read: Answer) -> str:
    if read.digits_seen > 1:
        return f'<p class="doubt">{read.digits_seen} digits seen; only one is read.</p>'
    if read.digit_score < 0.5:
        return '<p class="doubt">It hardly looks like a digit.</p>'
    return ""
