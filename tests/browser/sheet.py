"""The open page: how a test draws on it and reads what it shows."""

from collections.abc import Iterable, Sequence

from playwright.sync_api import CDPSession, FloatRect, Locator, Page, expect

from src.app.page.inputs.canvas import SIDE
from tests.browser.chromium import wait_until
from tests.hand import DIGITS, Point, Stroke, curve

INVITATION = "Draw a digit or a number"
CHOOSE_FILE = "Choose a picture of a digit or a number"
MARGIN = 3  # hundredths of the canvas's height, to the left of what is written
DASH = curve([(25, 50), (50, 50), (75, 50)])
EVERY = 2  # every second point of a stroke is a mouse move, which takes a frame of the browser
COUNT_INK = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    let dark = 0
    for (let i = 0; i < data.length; i += 4) dark += data[i + 3] > 0 && data[i] < 128
    return dark
}"""
IS_STILL = """() => !document.querySelector("[data-stale=true]")
  && document.getAnimations().every((animation) => animation.playState !== "running")"""


def bottom(box: FloatRect) -> float:
    """Return where a piece of the page ends, in pixels from the window's top."""
    return box["y"] + box["height"]


class Sheet:
    """The page, once its canvas is there."""

    def __init__(self, page: Page, invitation: str = INVITATION) -> None:
        self.page = page
        self.canvas = page.locator("canvas.upper-canvas")
        self.drawing = page.locator("canvas.dc-canvas.lower-canvas")
        self.answer = page.locator(".st-key-answer")
        self.earlier = page.locator(".st-key-history-list li")  # answers, newest first
        expect(self.answer).to_contain_text(invitation)
        expect(self.canvas).to_be_visible()

    def draw(self, digit: int) -> None:
        """Draw `digit` with the mouse."""
        self.canvas.scroll_into_view_if_needed()
        for stroke in DIGITS[digit]:
            self.stroke(stroke)

    def write(self, text: str, side: float = 60, step: float = 0.62) -> None:
        """Write digits, and "-" for a dash, with the mouse.

        Each has a square of `side` hundredths of the canvas's height, `step` of it to the right of the one before.
        They touch at a step of 0.42.
        """
        for index, character in enumerate(text):
            left, top = MARGIN + index * step * side, (100 - side) / 2
            for stroke in [DASH] if character == "-" else DIGITS[int(character)]:
                self.stroke(self._scale([(left + x * side / 100, top + y * side / 100) for x, y in stroke]))

    def widen(self) -> None:
        """Turn the wide paper on or off, and wait until the canvas has the other size and place."""
        wide = self.drawing.evaluate("canvas => canvas.width") == SIDE
        self.page.locator(".st-key-wide label").click()
        expect(self.drawing).to_have_js_property("width", 3 * SIDE if wide else SIDE)
        is_scaled = expect(self.page.locator(".st-key-canvas"))
        (is_scaled.not_to_have_css if wide else is_scaled.to_have_css)("transform", "none")

    def stroke(self, stroke: Stroke) -> None:
        """Draw one stroke with the mouse."""
        self.press(stroke[0])
        self.move([*stroke[EVERY:-1:EVERY], stroke[-1]])
        self.page.mouse.up()

    def press(self, point: Point) -> None:
        """Put the pen down."""
        self.move([point])
        self.page.mouse.down()

    def move(self, points: Stroke) -> None:
        """Move the pen over `points`."""
        for position in self.on_screen(points):
            self.page.mouse.move(*position)

    def touch(self, finger: CDPSession, digit: int, left: float = 0) -> None:
        """Draw `digit` with a finger, in a square as high as the canvas and `left` hundredths of that from its left."""
        for stroke in DIGITS[digit]:
            points = self._scale([(left + x, y) for x, y in [*stroke[:-1:EVERY], stroke[-1]]])
            for number, (x, y) in enumerate(self.on_screen(points)):
                kind = "touchMove" if number else "touchStart"
                finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
            finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def _scale(self, points: Stroke) -> list[Point]:
        """Return `points`, in hundredths of the canvas's height, in hundredths of its width and height."""
        box = self.measure(self.canvas)
        return [(x * box["height"] / box["width"], y) for x, y in points]

    def on_screen(self, points: Stroke) -> list[Point]:
        """Return where `points`, in hundredths of the canvas, lie in the window."""
        box = self.measure(self.canvas)
        return [(box["x"] + box["width"] * x / 100, box["y"] + box["height"] * y / 100) for x, y in points]

    def measure(self, piece: Locator) -> FloatRect:
        """Return where a piece of the page is, once it is visible."""
        box = None
        while box is None:  # it was drawn anew after it was found visible
            expect(piece).to_be_visible()
            box = piece.bounding_box()
        return box

    def wait_until_still(self) -> None:
        """Wait until nothing on the page is out of date or moves any more."""
        wait_until(self.page, IS_STILL)

    def expect_no_overflow(self, pieces: Sequence[Locator], widths: Iterable[int]) -> None:
        """Fail if a piece of the page reaches beyond the left or right edge of a window of one of these widths."""
        for width in widths:
            self.page.set_viewport_size({"width": width, "height": 800})
            for box in map(self.measure, pieces):
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= width

    def button(self, name: str) -> Locator:
        """Return one of the page's buttons, not that of the canvas's own toolbar, which is hidden."""
        return self.page.locator(".st-key-strokes, .st-key-retry").get_by_role("button", name=name)

    def open_panel(self, key: str, content: str) -> None:
        """Open an expander and wait for its content."""
        self.page.locator(f".st-key-{key} summary").click()
        expect(self.page.locator(content).first).to_be_visible()

    def reads(self, digit: int | str) -> None:
        """Wait until the answer is `digit`, or a number."""
        expect(self.answer.locator(".digit")).to_have_text(str(digit))
        assert self.answer.inner_text().startswith(str(digit))

    def clear(self) -> None:
        """Press "Clear" and wait for the invitation."""
        self.button("Clear").click()
        expect(self.answer).to_contain_text(INVITATION)

    def ink(self) -> int:
        """Return how many dark pixels are on the canvas."""
        count: int = self.drawing.evaluate(COUNT_INK)
        return count

    def wait_for_ink(self) -> int:
        """Wait until a stroke is on the canvas, a frame after it was drawn, and return the number of dark pixels."""
        wait_until(self.page, f"canvas => ({COUNT_INK})(canvas) > 0", self.drawing.element_handle())
        return self.ink()

    def wait_until_blank(self) -> None:
        """Wait until the canvas is blank."""
        wait_until(self.page, f"canvas => ({COUNT_INK})(canvas) === 0", self.drawing.element_handle())
