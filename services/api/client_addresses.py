"""From where a request comes, as far as limits and back-off go by it.

Guarantee: a header of a request is believed only as far as the operator's own proxies have written it: addresses are
read from its end, and the first that is no trusted proxy's is the caller's. Whoever connects directly can say nothing.
Source: RFC 7239, section 8.1 (what such fields are worth); RFC 4291, section 2.5.1 (an IPv6 network is a /64: whoever
has one address there has them all).
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from horolog.domain.addresses import Address, Network

UNKNOWN = "unknown"
FORWARDED_LENGTH_MAX = 4000


def client_address(scope: Mapping[str, Any], proxies: Sequence[Network] = ()) -> str:
    """The IPv4 address from which a request comes, or the /64 network of its IPv6 address."""
    client = scope.get("client")
    address = None if client is None else _parsed(client[0])
    if address is None:
        return UNKNOWN
    fields = [value for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"]
    chain = b",".join(fields)[-FORWARDED_LENGTH_MAX:].decode("latin-1").split(",")
    while chain and any(address in network for network in proxies):
        told = _parsed(chain.pop().strip())
        if told is None:
            break
        address = told
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), 64), strict=False))
    return str(address)


def _parsed(text: str) -> Address | None:
    try:
        # What follows a % names an interface of this machine.
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
