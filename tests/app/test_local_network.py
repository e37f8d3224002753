"""Where other machines open the page, and the QR code that leads there."""

import socket
from types import SimpleNamespace

import psutil
import pytest

from src.app import local_network
from src.app.local_network import describe_access, find_addresses, is_shared, render_code
from tests.app.terminal_code import read_code

V4, V6 = socket.AF_INET, socket.AF_INET6
INTERFACES = {
    "lo": [(V4, "127.0.0.1"), (V6, "::1")],
    "tun0": [(V4, "10.8.0.2")],
    "wlan0": [(V4, "192.168.1.23"), (V6, "2001:db8:7::23"), (V6, "fe80::23%wlan0"), (socket.AF_PACKET, "00:00:5e:00")],
    "eth0": [(V4, "169.254.7.7")],
    "docker0": [(V4, "172.17.0.1")],
}


def connect(
    monkeypatch: pytest.MonkeyPatch, interfaces: dict[str, list[tuple[socket.AddressFamily, str]]], default: str = ""
) -> None:
    """Give this machine other network interfaces; docker0 has no cable, so to speak."""
    addresses = {
        name: [SimpleNamespace(family=family, address=address) for family, address in entries]
        for name, entries in interfaces.items()
    }
    status = {name: SimpleNamespace(isup=name != "docker0") for name in interfaces}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: status)
    monkeypatch.setattr(local_network, "_find_default", lambda family: default if family == V4 else "")


@pytest.mark.parametrize(("host", "shared"), [
    ("127.0.0.1", False), ("127.0.0.2", False), ("::1", False), ("localhost", False),
    ("0.0.0.0", True), ("::", True), ("192.168.1.23", True),  # noqa: S104
])  # fmt: skip
def test_only_a_server_that_listens_to_this_machine_alone_is_not_shared(host: str, shared: bool) -> None:
    assert is_shared(host) == shared


def test_the_address_of_the_default_route_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, INTERFACES, default="192.168.1.23")
    assert find_addresses("0.0.0.0") == ["192.168.1.23", "10.8.0.2"]  # noqa: S104 - looked up, not bound
    assert find_addresses("::") == ["192.168.1.23", "10.8.0.2", "2001:db8:7::23"]


def test_without_a_default_route_the_addresses_are_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, INTERFACES)
    assert find_addresses("0.0.0.0") == ["10.8.0.2", "192.168.1.23"]  # noqa: S104


def test_a_server_at_one_address_is_reached_there() -> None:
    assert find_addresses("192.168.1.23") == ["192.168.1.23"]
    assert describe_access("2001:db8:7::23", 80, with_code=False) == "Other machines open  http://[2001:db8:7::23]:80"


def test_every_address_is_printed_and_the_code_is_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, INTERFACES, default="192.168.1.23")
    text = describe_access("::", 8501, with_code=True)
    assert text.splitlines()[:3] == [
        "Other machines open  http://192.168.1.23:8501",
        "                 or  http://10.8.0.2:8501",
        "                 or  http://[2001:db8:7::23]:8501",
    ]
    assert read_code(text) == "http://192.168.1.23:8501"
    assert "\033" not in describe_access("::", 8501, with_code=False)


def test_a_machine_without_a_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, {"lo": INTERFACES["lo"]})
    text = describe_access("0.0.0.0", 8501, with_code=True)  # noqa: S104
    assert text == "This machine has no network, so no other machine can open the page."


@pytest.mark.parametrize("url", ["http://10.0.0.1:80", "http://[2001:db8:1234:5678:9abc:def0:1234:5678]:65535"])
def test_the_code_leads_to_the_address_and_fits_into_a_terminal(url: str) -> None:
    code = render_code(url)
    assert read_code(code) == url
    assert max(line.count("█") + line.count("▀") + line.count("▄") + line.count(" ") for line in code.splitlines()) < 80
    assert len(code.splitlines()) < 24


def test_the_default_address_is_one_of_this_machine() -> None:
    own = {entry.address for entries in psutil.net_if_addrs().values() for entry in entries}
    for family in (V4, V6):
        assert local_network._find_default(family) in own | {""}
