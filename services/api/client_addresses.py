"""From where a request comes, as far as back-off goes by it.

Guarantee: the address is the connection's own, and nothing that a caller writes into a header changes it.
Source: RFC 4291, section 2.5.1 (an IPv6 network is a /64: whoever has one address there has them all).
"""

from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

UNKNOWN = "unknown"


def client_address(scope: Mapping[str, Any]) -> str:
    """The IPv4 address of a request's connection, or the /64 network of its IPv6 address."""
    client = scope.get("client")
    try:
        # What follows a % names an interface of this machine.
        address = ip_address(client[0].partition("%")[0]) if client else None
    except ValueError:
        address = None
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))
    return UNKNOWN if address is None else str(address)
