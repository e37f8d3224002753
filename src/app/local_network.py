"""Where other machines on the local network reach a server, and a QR code of that address for a phone's camera."""

import io
import socket
from ipaddress import ip_address
from typing import Final

import psutil
import segno

from src.launcher import server_url

# Addresses for documents, which no machine has (RFC 5737, RFC 3849)
NOWHERE: Final = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
# Bright white on black, whatever the terminal's theme: not every camera reads a code with its colours exchanged.
LINE: Final = "\033[97;40m{}\033[0m"


def is_shared(host: str) -> bool:
    """Return whether other machines can reach a server that listens on `host`. Raises OSError for an unknown host."""
    return not ip_address(_resolve(host)).is_loopback


def find_addresses(host: str) -> list[str]:
    """Return where other machines reach a server that listens on `host`, the likeliest first.

    `0.0.0.0` stands for all IPv4 addresses of this machine, `::` for those and the IPv6 addresses; the one that packets
    to other networks leave from is the likeliest of its kind. Addresses that hold on one cable only (link-local) are
    left out: a browser can't open them. Empty if this machine has no network. Raises OSError for an unknown host.
    """
    if not ip_address(_resolve(host)).is_unspecified:
        return [host]
    families = [socket.AF_INET, socket.AF_INET6] if ":" in host else [socket.AF_INET]
    return [address for family in families for address in _list_own(family)]


def _resolve(host: str) -> str:
    """Return the address that a server at `host` listens on, without the name of a network interface."""
    address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0]
    return str(address).partition("%")[0]


def _list_own(family: socket.AddressFamily) -> list[str]:
    """Return the addresses of this machine that others may reach, that of the default route first."""
    status = psutil.net_if_stats()
    addresses = [
        entry.address
        for interface, entries in psutil.net_if_addrs().items()
        for entry in entries
        if entry.family == family and interface in status and status[interface].isup
    ]
    usable = [address for address in addresses if "%" not in address and not _is_confined(address)]
    default = _find_default(family)
    return sorted(usable, key=lambda address: address != default)


def _is_confined(address: str) -> bool:
    return ip_address(address).is_loopback or ip_address(address).is_link_local


def _find_default(family: socket.AddressFamily) -> str:
    """Return the address that packets to other networks leave from; empty without a default route."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((NOWHERE[family], 9))  # connecting a UDP socket chooses an address, and sends nothing
            address: str = probe.getsockname()[0]
            return address
    except OSError:
        return ""


def describe_access(host: str, port: int, with_code: bool) -> str:
    """Return what to print about the page's address for other machines, with a QR code of the likeliest or without."""
    urls = [server_url(address, port) for address in find_addresses(host)]
    if not urls:
        return "This machine has no network, so no other machine can open the page."
    lines = [f"Other machines open  {urls[0]}", *(f"{'or':>19}  {url}" for url in urls[1:])]
    if with_code:
        lines.append(render_code(urls[0]))
    return "\n".join(lines)


def render_code(text: str) -> str:
    """Return a QR code for a terminal: light modules are white half blocks, with the quiet zone of 4 around them."""
    code = io.StringIO()
    segno.make_qr(text).terminal(code, compact=True)
    return "\n".join(map(LINE.format, code.getvalue().splitlines()))
