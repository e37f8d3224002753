"""Inside the networks, the experiment and the change, with real strokes: pointing, keys and touch."""

import re

from playwright.sync_api import Locator, expect

from tests.browser.chromium import OpenPage
from tests.browser.sheet import Sheet
from tests.browser.states import PHONE

MINUS = "\N{MINUS SIGN}"
NUMBER = re.compile(MINUS + r"?\d+\.\d\d")


def network(sheet: Sheet, kind: str = "cnn") -> Locator:
    return sheet.page.locator(f".st-key-network-{kind} .network")


def open_inside(sheet: Sheet) -> Locator:
    """Draw a four, open the panel, and return the CNN."""
    sheet.draw(4)
    sheet.reads(4)
    sheet.open_panel("inside", ".network canvas")
    expect(network(sheet, "mlp").locator("canvas")).to_have_count(5)
    return network(sheet)


def numbers(text: str) -> list[float]:
    return [float(number.replace(MINUS, "-")) for number in NUMBER.findall(text)]


def test_every_layer_of_the_drawn_digit_is_shown(sheet: Sheet) -> None:
    cnn = open_inside(sheet)
    names = [canvas.get_attribute("aria-label") for canvas in cnn.get_by_role("slider").all()]
    assert names == [
        "Your digit: 28x28 pixels",
        "Convolution: 6 maps of 24x24",
        "Pooling: 6 maps of 12x12",
        "Convolution: 6 maps of 8x8",
        "Pooling: 6 maps of 4x4",
        "50 hidden units",
        "10 outputs; the largest is the answer",
    ]
    assert cnn.locator("canvas").first.evaluate("canvas => getComputedStyle(canvas).imageRendering") == "pixelated"
    expect(cnn.locator("h4")).to_have_text("Output for 4")


def test_the_products_under_a_pixel_add_up_to_it(sheet: Sheet) -> None:
    cnn = open_inside(sheet)
    cnn.locator("canvas").nth(1).hover(position={"x": 50, "y": 50})
    expect(cnn.locator("h4")).to_have_text("Map 1, row 13, column 13")
    expect(cnn.locator(".grid.numbers span")).to_have_count(50)
    left, _, result = cnn.locator(".sum").first.inner_text().rpartition("=")
    *factors, bias = numbers(left)
    assert len(factors) == 50
    total = bias + sum(first * second for first, second in zip(factors[::2], factors[1::2], strict=True))
    assert abs(total - numbers(result)[0]) < 0.3  # of 25 products with two decimals


def test_a_pixel_of_the_second_convolution_adds_up_all_six_maps(sheet: Sheet) -> None:
    cnn = open_inside(sheet)
    cnn.locator("canvas").nth(3).hover(position={"x": 22, "y": 22})
    expect(cnn.locator(".pair")).to_have_count(6)
    left, _, result = cnn.locator(".sum").first.inner_text().rpartition("=")
    assert len(numbers(left)) == 7
    assert abs(sum(numbers(left)) - numbers(result)[0]) < 0.05
    cnn.get_by_text("All 150 products").click()
    expect(cnn.locator("details .sum")).to_be_visible()


def test_a_pooled_pixel_is_the_largest_of_four(sheet: Sheet) -> None:
    cnn = open_inside(sheet)
    cnn.locator("canvas").nth(2).hover(position={"x": 20, "y": 20})
    left, _, result = cnn.locator(".sum").inner_text().partition("=")
    assert max(numbers(left)) == numbers(result)[0]


def test_an_output_shows_who_speaks_for_and_against_it(sheet: Sheet) -> None:
    cnn = open_inside(sheet)
    cnn.locator("canvas").nth(6).hover(position={"x": 31 * 9 + 10, "y": 10})
    expect(cnn.locator("h4")).to_have_text("Output for 9")
    sides = [numbers(heading.inner_text())[0] for heading in cnn.locator("h5").all()]
    assert sides[0] > 0 > sides[1]
    left, _, result = cnn.locator(".sum").first.inner_text().partition("=")
    assert abs(sum(sides) + numbers(left)[-1] - numbers(result)[0]) < 0.05


def test_the_keyboard_walks_through_pixels_and_layers(sheet: Sheet) -> None:
    cnn = open_inside(sheet)
    pixels = cnn.locator("canvas").nth(1)
    pixels.focus()
    sheet.page.keyboard.press("Home")
    expect(cnn.locator("h4")).to_have_text("Map 1, row 1, column 1")
    for key in ("ArrowRight", "ArrowDown", "PageDown"):
        sheet.page.keyboard.press(key)
    expect(cnn.locator("h4")).to_have_text("Map 2, row 2, column 2")
    expect(pixels).to_have_attribute("aria-valuetext", re.compile(f"^Map 2, row 2, column 2: {NUMBER.pattern}$"))
    sheet.page.keyboard.press("Tab")
    expect(cnn.locator("canvas").nth(2)).to_be_focused()
    expect(cnn.locator("section", has=sheet.page.locator("canvas:focus")).locator("h3")).to_have_text(
        re.compile("^Pooling")
    )


def test_a_finger_opens_the_sum_below_the_layer(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    sheet = Sheet(page)
    sheet.touch(page.context.new_cdp_session(page), 4)
    sheet.reads(4)
    sheet.open_panel("inside", ".network canvas")
    cnn = network(sheet)
    cnn.locator("canvas").nth(1).tap(position={"x": 40, "y": 40})
    expect(cnn.locator("section:nth-of-type(2) + .detail h4")).to_have_text(re.compile("^Map 1"))
    assert cnn.evaluate("network => network.scrollWidth <= network.clientWidth")


def test_the_switch_scrambles_both_panels_and_puts_the_weights_back(sheet: Sheet) -> None:
    open_inside(sheet)
    sheet.page.locator(".st-key-scrambled_inside label").click()
    mlp = network(sheet, "mlp")
    expect(mlp.locator("canvas")).to_have_count(6)
    expect(mlp.get_by_role("slider", name="The same weights, each put back at its pixel")).to_be_visible()
    expect(mlp.get_by_role("slider", name="Your digit, its pixels scrambled")).to_be_visible()
    sheet.open_panel("experiment", ".card")
    expect(sheet.page.locator(".card")).to_have_count(3)


def test_the_next_stroke_is_followed_while_the_panel_is_open(sheet: Sheet) -> None:
    cnn = open_inside(sheet)
    sheet.clear()
    expect(cnn).to_have_count(0)
    sheet.draw(7)
    sheet.reads(7)
    expect(cnn.locator("h4")).to_have_text("Output for 7")


def test_the_trial_fills_the_chart_for_all_networks(sheet: Sheet) -> None:
    sheet.open_panel("experiment", ".st-key-trial button")
    sheet.page.get_by_role("button", name="Run 200 test digits").click()
    expect(sheet.page.locator(".trial h3")).to_have_text("Mistakes in 200 of 200 test digits")
    wrong = [int(text.split()[0]) for text in sheet.page.locator(".trial li span").all_inner_texts()]
    cnn, mlp, scrambled_cnn, scrambled_mlp, recovered = wrong
    assert max(cnn, recovered) < min(mlp, scrambled_cnn, scrambled_mlp)
    assert sheet.page.locator(".trial img").count() == sum(wrong)


def test_the_score_grows_with_every_digit(sheet: Sheet) -> None:
    sheet.draw(4)
    sheet.reads(4)
    sheet.open_panel("experiment", ".score")
    expect(sheet.page.locator(".score li").first).to_contain_text("1 of 1")
    sheet.clear()
    sheet.draw(7)
    sheet.reads(7)
    expect(sheet.page.locator(".score li").first).to_contain_text("2 of 2")


def test_the_change_lies_on_the_picture(sheet: Sheet) -> None:
    sheet.draw(4)
    sheet.reads(4)
    sheet.open_panel("change", ".heat.change i")
    sheet.wait_until_still()
    picture = sheet.measure(sheet.page.locator(".heat.change div"))
    for pixel in sheet.page.locator(".heat.change i").all():
        box = sheet.measure(pixel)
        assert picture["x"] <= box["x"] < picture["x"] + picture["width"]
        assert abs(box["width"] - picture["width"] / 28) < 0.1
