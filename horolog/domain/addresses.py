"""Which network addresses a job may call: public ones, and those that the operator has allowed by name.

Guarantee: an address is judged by where its packets go. What is wrapped into an IPv6 address (mapped, NAT64, 6to4,
Teredo, compatible) is unwrapped first, whoever's notation it is in. Everything that is not plainly public is refused,
whatever release of Python runs: `ipaddress` alone holds several ways to the inside to be global.

Sources: the IANA registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890); RFC 4291, section 2.5.5
(compatible and mapped); RFC 6052 (NAT64); RFC 3056 (6to4); RFC 4380 (Teredo); RFC 3879 (site-local).
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA = frozenset(
    ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
"""Where clouds tell a machine its credentials. A network that merely contains one does not allow it."""

_SPECIAL_V4 = tuple(
    (IPv4Network(network), words)
    for network, words in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a carrier's shared network"),
        ("127.0.0.0/8", "this machine"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "reserved for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "a private network"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("198.51.100.0/24", "reserved for documentation"),
        ("203.0.113.0/24", "reserved for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "reserved"),
    )
)
_SPECIAL_V6 = tuple(
    (IPv6Network(network), words)
    for network, words in (
        ("::1/128", "this machine"),
        ("::/96", "an IPv4-compatible address"),
        ("64:ff9b:1::/48", "a local NAT64 prefix"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "reserved for documentation"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "reserved for documentation"),
        ("fc00::/7", "a private network"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")
_NAT64, _COMPATIBLE, _TO_4, _TEREDO = map(IPv6Network, ("64:ff9b::/96", "::/96", "2002::/16", "2001::/32"))
_LOW_32 = 0xFFFF_FFFF


class DestinationForbidden(Exception):
    """What a tenant has asked for may not call this address."""


def refusal(address: Address, allowed: Sequence[Network] = ()) -> str | None:
    """What is wrong with calling an address, in words that follow "it is"; None when it may be called.

    An address may be called when it is public, or when a network in `allowed` holds it or what is wrapped in it.
    """
    inner = _unwrapped(address)
    if any(_holds(network, each) for network in allowed for each in (address, *inner)):
        return None
    return next((words for each in (*inner, address) if (words := _special(each)) is not None), None)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks in CIDR notation, or single addresses.

    Raises:
        ValueError: one of them is neither.
    """
    return tuple(ip_network(text) for text in texts)


def _holds(network: Network, address: Address) -> bool:
    if address in _METADATA and network.prefixlen < network.max_prefixlen:
        return False
    return address.version == network.version and address in network


def _unwrapped(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that packets to this one may be sent on to."""
    if isinstance(address, IPv4Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    low = IPv4Address(int(address) & _LOW_32)
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return (low,)
    if address in _TO_4:
        return (IPv4Address(int(address) >> 80 & _LOW_32),)
    if address in _TEREDO:
        # The server, and the client behind its inverted bits.
        return (IPv4Address(int(address) >> 64 & _LOW_32), IPv4Address(int(low) ^ _LOW_32))
    return ()


def _special(address: Address) -> str | None:
    if address in _METADATA:
        return "a cloud's metadata service"
    if isinstance(address, IPv4Address):
        return next((words for network, words in _SPECIAL_V4 if address in network), None)
    if address.scope_id is not None:
        return "an address of one link"
    if address.ipv4_mapped is not None or address in _NAT64:
        return None
    words = next((words for network, words in _SPECIAL_V6 if address in network), None)
    return words or (None if address in _PUBLIC_V6 else "not a public address")
