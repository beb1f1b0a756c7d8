"""Settings that are true or false."""

import pytest

from horolog.runtime.flags import flag
from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("True", True), ("false", False)])
def test_a_flag_is_as_the_environment_says(text: str, expected: bool) -> None:
    assert flag({"A": text}, "A", default=not expected) is expected


def test_without_a_word_it_is_as_usual() -> None:
    assert (flag({}, "A", default=True), flag({}, "A", default=False)) == (True, False)


@pytest.mark.parametrize("text", ["", "yes", "1"])
def test_any_other_word_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="A must be true or false"):
        flag({"A": text}, "A", default=False)


def test_an_upgrade_is_told_by_the_environment() -> None:
    assert from_environment({"HOROLOG_UPGRADING": "true"}).is_upgrading
    assert not from_environment({}).is_upgrading
