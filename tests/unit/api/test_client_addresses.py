"""A caller's address is its connection's; of IPv6, the network counts."""

from typing import Any

import pytest

from services.api.client_addresses import UNKNOWN, client_address


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("/run/horolog.sock", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_the_address_of_a_connection(host: str, address: str) -> None:
    assert client_address({"client": (host, 5000)}) == address


@pytest.mark.parametrize("scope", [{}, {"client": None}])
def test_a_connection_without_an_address_is_one_of_the_unknown(scope: dict[str, Any]) -> None:
    assert client_address(scope) == UNKNOWN


def test_headers_do_not_change_it() -> None:
    headers = [
        (b"x-forwarded-for", b"198.51.100.1"),
        (b"forwarded", b"for=198.51.100.1"),
        (b"x-real-ip", b"198.51.100.1"),
    ]
    assert client_address({"client": ("203.0.113.7", 1), "headers": headers}) == "203.0.113.7"
