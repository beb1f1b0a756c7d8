"""What a job may call is public or allowed by name, in whatever notation and whatever wrapping it comes."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horolog.domain.addresses import networks, refusal

INSIDE = (
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::169.254.169.254",
    "::8.8.8.8",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "100::1",
    "2001::1",
    "2001:0:808:808::5601:5601",
    "2001:20::1",
    "2001:db8::1",
    "2002:a9fe:a9fe::",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
)
OUTSIDE = ("1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2600::1", "2a00:1450::1", "2620:fe::fe")


@pytest.mark.parametrize("text", INSIDE)
def test_what_is_not_plainly_public_is_refused_with_a_reason(text: str) -> None:
    assert refusal(ip_address(text))


@pytest.mark.parametrize("text", OUTSIDE)
def test_a_public_address_may_be_called_as_itself_and_through_a_translator(text: str) -> None:
    address = ip_address(text)
    assert refusal(address) is None
    if isinstance(address, IPv4Address):
        assert refusal(IPv6Address(f"::ffff:{text}")) is None
        assert refusal(IPv6Address(f"64:ff9b::{text}")) is None


@given(st.sampled_from([text for text in INSIDE if "." in text and ":" not in text]))
def test_nothing_of_the_inside_is_called_in_any_wrapping(text: str) -> None:
    inner = int(IPv4Address(text))
    wrapped = [0xFFFF << 32 | inner, 0x64FF9B << 96 | inner, inner, 0x2002 << 112 | inner << 80]
    wrapped += [0x20010000 << 96 | inner << 64, 0x20010000 << 96 | 0x08080808 << 64 | (inner ^ 0xFFFF_FFFF)]
    assert all(refusal(IPv6Address(number)) for number in wrapped)


@given(st.integers(0, 2**32 - 1))
def test_what_python_holds_to_be_private_or_reserved_is_refused(number: int) -> None:
    address = IPv4Address(number)
    is_public = address.is_global and not (address.is_multicast or address.is_reserved)
    assert is_public or refusal(address)


@pytest.mark.parametrize(
    ("allowed", "text"),
    [
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.0.0.0/8", "::ffff:10.1.2.3"),
        ("10.0.0.0/8", "64:ff9b::10.1.2.3"),
        ("127.0.0.1", "127.0.0.1"),
        ("fd00::/8", "fd12::1"),
        ("169.254.169.254", "169.254.169.254"),
        ("fd00:ec2::254", "fd00:ec2::254"),
    ],
)
def test_what_is_allowed_by_name_may_be_called(allowed: str, text: str) -> None:
    assert refusal(ip_address(text), networks([allowed])) is None


@pytest.mark.parametrize(
    ("allowed", "text"),
    [
        ("10.0.0.0/8", "192.168.1.1"),
        ("10.0.0.0/8", "fd00::1"),
        ("169.254.0.0/16", "169.254.169.254"),
        ("0.0.0.0/0", "100.100.100.200"),
        ("::/0", "fd00:ec2::254"),
    ],
)
def test_an_allowed_network_allows_nothing_else_and_no_metadata_that_lies_in_it(allowed: str, text: str) -> None:
    assert refusal(ip_address(text), networks([allowed]))


def test_what_is_no_network_cannot_be_allowed() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        networks(["10.0.0.1/8"])
