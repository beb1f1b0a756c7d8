"""How long a stopping executor lets attempts go on, by the environment."""

import pytest

from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError


@pytest.mark.parametrize(
    ("environment", "drain_s"), [({}, 3), ({"HOROLOG_DRAIN_S": "60"}, 60), ({"HOROLOG_DRAIN_S": "0"}, 0)]
)
def test_drain_is_as_the_environment_says(environment: dict[str, str], drain_s: int) -> None:
    assert from_environment(environment).drain_s == drain_s


@pytest.mark.parametrize("value", ["-1", "3601", "soon", ""])
def test_other_values_are_refused_by_name(value: str) -> None:
    with pytest.raises(SettingsError, match="HOROLOG_DRAIN_S"):
        from_environment({"HOROLOG_DRAIN_S": value})
