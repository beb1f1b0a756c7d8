"""Which networks HTTP jobs may call is said in the environment, or nothing starts."""

from ipaddress import ip_network

import pytest

from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError


def test_networks_are_read_with_commas_between_them() -> None:
    allowed = from_environment({"HOROLOG_HTTP_ALLOWED": "10.0.0.0/8, fd00::/8,192.168.1.1"}).http_allowed
    assert allowed == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("192.168.1.1/32"))


@pytest.mark.parametrize("environment", [{}, {"HOROLOG_HTTP_ALLOWED": ""}, {"HOROLOG_HTTP_ALLOWED": " , "}])
def test_nothing_is_allowed_unless_it_is_said(environment: dict[str, str]) -> None:
    assert from_environment(environment).http_allowed == ()


@pytest.mark.parametrize("text", ["example.com", "10.0.0.1/8", "10.0.0.0/33", "http://10.0.0.1"])
def test_what_is_no_network_is_refused_with_the_name_of_the_setting(text: str) -> None:
    with pytest.raises(SettingsError, match="HOROLOG_HTTP_ALLOWED must be networks"):
        from_environment({"HOROLOG_HTTP_ALLOWED": text})
