"""How many months of the ledger are kept, by the environment."""

import pytest

from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError


@pytest.mark.parametrize(("text", "kept"), [(None, None), ("", None), ("1", 1), ("24", 24)])
def test_months_are_kept_as_the_environment_says(text: str | None, kept: int | None) -> None:
    environment = {} if text is None else {"HOROLOG_LEDGER_MONTHS": text}
    assert from_environment(environment).ledger_months_kept == kept


@pytest.mark.parametrize("text", ["0", "-1", "1201", "a year"])
def test_other_values_are_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="HOROLOG_LEDGER_MONTHS"):
        from_environment({"HOROLOG_LEDGER_MONTHS": text})
