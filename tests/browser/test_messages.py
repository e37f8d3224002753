"""What Streamlit sends to the browser."""

import pytest
from playwright.sync_api import WebSocket, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.chromium import OpenPage
from tests.browser.sheet import Sheet

pytestmark = pytest.mark.browser


def test_every_message_is_whole_even_if_the_browser_has_had_it_before(open_page: OpenPage) -> None:
    kinds: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: kinds.append(ForwardMsg.FromString(frame).WhichOneof("type")))

    page = open_page()
    page.on("websocket", listen)
    page.reload()
    sheet = Sheet(page)
    sheet.draw(4)
    sheet.reads(4)
    sheet.open_panel("inside", ".network canvas")
    sheet.open_panel("heat", ".heat img")  # the look inside, more than 20 kB, is the same as before
    expect(page.locator(".network")).to_have_count(2)
    sheet.clear()
    sheet.button("Undo").click()
    sheet.reads(4)
    expect(page.locator(".network")).to_have_count(2)
    assert kinds.count("delta") > 50
    assert "ref_hash" not in kinds
