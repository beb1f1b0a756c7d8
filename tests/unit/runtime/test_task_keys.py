"""The keys by which workers know their dispatchers: strong, or nothing starts; on Kafka they must be there."""

from pathlib import Path

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import Parts
from horolog.log.embedded import EmbeddedLog
from horolog.runtime.settings import Settings, from_environment
from horolog.runtime.settings_error import SettingsError

KEY = "0123456789-abcdefghij-ABCDEFGHIJ"


def parts(bootstrap: str | None, **environment: str) -> Parts:
    """What a dispatcher or an executor is made of."""
    settings = from_environment(environment)
    chosen = Settings(Path.cwd(), "a", kafka_bootstrap=bootstrap, seals=settings.seals)
    return Parts(chosen, EmbeddedLog.open(None, SystemClock(), 1), SystemClock(), RandomIds())


def test_keys_are_read_with_commas_between_them_and_the_first_seals() -> None:
    seals = from_environment({"HOROLOG_TASK_KEYS": f"{KEY}, another-{KEY}"}).seals
    assert seals is not None
    assert seals.keys == [KEY.encode(), f"another-{KEY}".encode()]


@pytest.mark.parametrize("key", ["short", "a" * 64, f"{KEY},short", "abcabcabc" * 8])
def test_a_weak_key_stops_the_start_without_being_told(key: str) -> None:
    with pytest.raises(SettingsError, match="HOROLOG_TASK_KEYS") as refused:
        from_environment({"HOROLOG_TASK_KEYS": key})
    assert key not in str(refused.value)


def test_a_log_that_others_may_write_to_needs_keys() -> None:
    with pytest.raises(SettingsError, match="HOROLOG_TASK_KEYS is not set"):
        parts("broker:9092").seals()
    assert parts("broker:9092", HOROLOG_TASK_KEYS=KEY).seals() is not None
    assert parts(None).seals() is None
