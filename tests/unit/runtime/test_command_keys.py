"""The keys on commands: strong, and for somebody, or nothing starts; on Kafka they are there, or done without."""

from pathlib import Path

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import Parts
from horolog.domain.command_seals import CommandKey
from horolog.log.embedded import EmbeddedLog
from horolog.runtime.command_keys import KEY_COUNT_MAX
from horolog.runtime.settings import Settings, from_environment
from horolog.runtime.settings_error import SettingsError

KEY = "0123456789-abcdefghij-ABCDEFGHIJ"
PADDED = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQIRM3V3mbu94="
TENANTS = ("3f0d7a52-6c1e-4a57-9b0e-0d7f4a3c9e11", "9a4be5c1-2d3f-4c5e-8f6a-7b8c9d0e1f22")


def parts(bootstrap: str | None, keys: str = "", commands_open: str = "false") -> Parts:
    """What an API or a dispatcher is made of."""
    told = from_environment({"HOROLOG_COMMAND_KEYS": keys, "HOROLOG_COMMANDS_OPEN": commands_open})
    chosen = Settings(
        Path.cwd(),
        "a",
        kafka_bootstrap=bootstrap,
        command_seals=told.command_seals,
        commands_open=told.commands_open,
    )
    return Parts(chosen, EmbeddedLog.open(None, SystemClock(), 1), SystemClock(), RandomIds())


def test_keys_are_the_platforms_own_or_a_producers_for_its_tenants() -> None:
    listed = f"{PADDED}, {KEY} ,x{KEY}=billing:{TENANTS[0]},{PADDED[:-1]}x==crm:{'+'.join(TENANTS)}"
    seals = from_environment({"HOROLOG_COMMAND_KEYS": listed}).command_seals
    assert seals is not None
    assert seals.keys == [
        CommandKey(PADDED.encode()),
        CommandKey(KEY.encode()),
        CommandKey(f"x{KEY}".encode(), "billing", frozenset(TENANTS[:1])),
        CommandKey(f"{PADDED[:-1]}x=".encode(), "crm", frozenset(TENANTS)),
    ]
    assert seals.own == CommandKey(PADDED.encode())


@pytest.mark.parametrize(
    "text",
    [
        *(
            "short",
            "a" * 64,
            f"{KEY},short",
            f"{KEY},{KEY}",
            f"{KEY},{KEY}=billing:{TENANTS[0]}",
            f"short=x:{TENANTS[0]}",
        ),
        *(f"{KEY}=billing", f"{KEY}=billing:", f"{KEY}=billing:all", f"{KEY}=:{TENANTS[0]}", f"{KEY}=a b:{TENANTS[0]}"),
        ",".join(f"{number:03d}{KEY}" for number in range(KEY_COUNT_MAX + 1)),
    ],
)
def test_key_that_is_weak_twice_there_or_for_nobody_stops_the_start_without_being_told(text: str) -> None:
    with pytest.raises(SettingsError, match="HOROLOG_COMMAND_KEYS") as refused:
        from_environment({"HOROLOG_COMMAND_KEYS": text})
    assert KEY not in str(refused.value)


def test_log_that_others_may_write_to_needs_keys_unless_it_is_said_that_they_may_give_commands() -> None:
    with pytest.raises(SettingsError, match="HOROLOG_COMMAND_KEYS is not set"):
        parts("broker:9092").command_seals()
    assert parts("broker:9092", KEY).command_seals() is not None
    assert parts("broker:9092", commands_open="true").command_seals() is None
    assert parts(None).command_seals() is None


def test_key_that_the_platform_seals_with_is_not_a_producers() -> None:
    with pytest.raises(SettingsError, match="first key"):
        parts("broker:9092", f"{KEY}=billing:{TENANTS[0]}").command_seals()
