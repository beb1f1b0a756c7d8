"""A caller's address is its connection's, unless a trusted proxy says otherwise; of IPv6, the network counts."""

from typing import Any

import pytest

from horolog.domain.addresses import networks
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


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        (["6.6.6.6, 1.1.1.1 , 10.2.2.2"], "1.1.1.1"),
        (["6.6.6.6", "9.9.9.9"], "9.9.9.9"),
        (["1.1.1.1, <script>"], "10.0.0.1"),
        (["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        (["2001:db8:1:2::9"], "2001:db8:1:2::/64"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_trusted_proxies_say_from_where_a_request_came_to_them(fields: list[str], address: str) -> None:
    headers = [(b"x-forwarded-for", field.encode()) for field in fields]
    assert client_address({"client": ("10.0.0.1", 1), "headers": headers}, networks(["10.0.0.0/8"])) == address


def test_whoever_is_no_trusted_proxy_is_not_believed() -> None:
    scope = {"client": ("203.0.113.7", 1), "headers": [(b"x-forwarded-for", b"1.1.1.1")]}
    assert client_address(scope, networks(["10.0.0.0/8"])) == "203.0.113.7"
