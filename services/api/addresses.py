"""From where a request comes.

Guarantee: a header of a request is believed only as far as the operator's own proxies have written it: addresses are
read from its end, and the first that is no trusted proxy's is the caller's. Whoever connects directly can say nothing.
Source: RFC 7239, section 8.1 (what such fields are worth); X-Forwarded-For as proxies write it.
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from horolog.domain.addresses import Address, Network

FORWARDED_LENGTH_MAX = 4000


def caller_address(scope: Mapping[str, Any], proxies: Sequence[Network]) -> Address | None:
    """The caller's address; None where the connection has none (a socket of this machine)."""
    address = _parsed((scope.get("client") or ("",))[0])
    if address is None or not _is_of(address, proxies):
        return address
    fields = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    chain = b",".join(fields)[-FORWARDED_LENGTH_MAX:].decode("latin-1").split(",")
    for text in reversed(chain):
        told = _parsed(text.strip())
        if told is None:
            return address
        address = told
        if not _is_of(address, proxies):
            return address
    return address


def _parsed(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_of(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
