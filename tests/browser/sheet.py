"""A hand that draws digits on the page, and an eye that reads what stands there."""

from playwright.sync_api import CDPSession, Locator, Page, expect

from tests.hand import DIGITS, Point, Stroke

INVITATION = "Draw a digit"
COUNT_INK = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    let dark = 0
    for (let i = 0; i < data.length; i += 4) dark += data[i + 3] > 0 && data[i] < 128
    return dark
}"""


class Sheet:
    """The page, once there is something to draw on."""

    def __init__(self, page: Page, invitation: str = INVITATION) -> None:
        self.page = page
        self.canvas = page.locator("canvas.upper-canvas")
        self.drawing = page.locator("canvas.dc-canvas.lower-canvas")
        self.answer = page.locator(".st-key-answer")
        expect(self.answer).to_contain_text(invitation)
        expect(self.canvas).to_be_visible()

    def draw(self, digit: int) -> None:
        """Draw `digit` with the mouse."""
        for stroke in DIGITS[digit]:
            self.stroke(stroke)

    def stroke(self, stroke: Stroke) -> None:
        """Draw one stroke with the mouse."""
        self.press(stroke[0])
        self.move(stroke[1:])
        self.page.mouse.up()

    def press(self, point: Point) -> None:
        """Put the pen down."""
        self.page.mouse.move(*self.on_screen(point))
        self.page.mouse.down()

    def move(self, points: Stroke) -> None:
        """Lead the pen over `points`."""
        for point in points:
            self.page.mouse.move(*self.on_screen(point))

    def touch(self, finger: CDPSession, digit: int) -> None:
        """Draw `digit` with a finger."""
        for stroke in DIGITS[digit]:
            for point in stroke:
                x, y = self.on_screen(point)
                kind = "touchStart" if point == stroke[0] else "touchMove"
                finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
            finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def on_screen(self, point: Point) -> Point:
        """Return where `point`, in hundredths of the sheet, lies in the window."""
        box = self.canvas.bounding_box()
        assert box
        return box["x"] + box["width"] * point[0] / 100, box["y"] + box["height"] * point[1] / 100

    def button(self, name: str) -> Locator:
        """Return one of the page's own buttons, not the toolbar's above the canvas."""
        return self.page.locator(".st-key-strokes, .st-key-retry").get_by_role("button", name=name)

    def unfold(self, key: str, content: str) -> None:
        """Open a part of the page that is folded, and wait for what is in it."""
        self.page.locator(f".st-key-{key} summary").click()
        expect(self.page.locator(content).first).to_be_visible()

    def reads(self, digit: int) -> None:
        """Wait until the answer begins with `digit`."""
        expect(self.answer.locator(".digit")).to_have_text(str(digit))
        assert self.answer.inner_text().startswith(str(digit))

    def clear(self) -> None:
        """Press "Clear" and wait until the page invites again."""
        self.button("Clear").click()
        expect(self.answer).to_contain_text(INVITATION)

    def ink(self) -> int:
        """Return how many dark pixels are on the sheet."""
        count: int = self.drawing.evaluate(COUNT_INK)
        return count

    def wait_for_ink(self) -> int:
        """Wait until a stroke is on the sheet, a frame after it was drawn, and return how much ink it is."""
        self.page.wait_for_function(f"canvas => ({COUNT_INK})(canvas) > 0", arg=self.drawing.element_handle())
        return self.ink()

    def wait_until_blank(self) -> None:
        """Wait until there is no ink on the sheet."""
        self.page.wait_for_function(f"canvas => ({COUNT_INK})(canvas) === 0", arg=self.drawing.element_handle())
