"""Where the figures are served, by the environment."""

import pytest

from horolog.limits import METRICS_TENANT_COUNT_MAX
from horolog.runtime.settings import MetricsAddress, from_environment
from horolog.runtime.settings_error import SettingsError


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, MetricsAddress("127.0.0.1", 9464)),
        ({"METRICS_ENABLED": "True", "PROMETHEUS_PORT": "0"}, MetricsAddress("127.0.0.1", 0)),
        ({"HOROLOG_METRICS_HOST": "::1", "PROMETHEUS_PORT": "65535"}, MetricsAddress("::1", 65535)),
        ({"METRICS_ENABLED": "false"}, None),
    ],
)
def test_address_is_as_the_environment_says(environment: dict[str, str], address: MetricsAddress | None) -> None:
    assert from_environment(environment).metrics == address


@pytest.mark.parametrize(
    ("environment", "count"),
    [({}, METRICS_TENANT_COUNT_MAX), ({"HOROLOG_METRICS_TENANTS": "0"}, 0), ({"HOROLOG_METRICS_TENANTS": "20"}, 20)],
)
def test_so_many_tenants_are_named_as_the_environment_says(environment: dict[str, str], count: int) -> None:
    assert from_environment(environment).metrics_tenant_count_max == count


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("METRICS_ENABLED", "maybe"),
        ("METRICS_ENABLED", ""),
        ("PROMETHEUS_PORT", "65536"),
        ("PROMETHEUS_PORT", "-1"),
        ("HOROLOG_METRICS_TENANTS", "-1"),
        ("HOROLOG_METRICS_TENANTS", "10001"),
    ],
)
def test_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_environment({name: value})
