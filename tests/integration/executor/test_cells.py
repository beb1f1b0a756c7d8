"""Programs without namespaces: a directory each, an account each where the executor may give one, and what is found
out of that by trial."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from horolog.adapters.account_claims import NoAccountsFree, claim_accounts
from horolog.adapters.spawner.cells import Box, Cells
from horolog.adapters.spawner.client import Spawner
from horolog.runtime.settings_error import SettingsError
from schemas.isolation import Isolation
from schemas.jobs import CommandConfig
from services.executor.composition import keep_apart, passed_on
from services.executor.isolation_settings import IsolationSettings
from services.executor.runners.command import CommandRunner
from tests.integration.executor.watching import ACCOUNTS, begin, field_of, outcome_of, until

LIBRARIES = ("/usr", "/lib", "/lib64")
"""Where they are hidden no program can run."""
ENDLESS = "echo ::horolog progress=1; exec sleep 1000"


@pytest.fixture
async def commands() -> AsyncIterator[CommandRunner]:
    """Runs commands in cells without boxes."""
    spawner = Spawner(Cells(None, ACCOUNTS))
    yield CommandRunner(spawner, 10, {"PATH": os.environ["PATH"]}, None, {})
    await spawner.close()


def _shell(script: str, *args: str) -> CommandConfig:
    return CommandConfig(command="/bin/sh", args=("-c", script, "sh", *args))


async def _told(commands: CommandRunner, config: CommandConfig) -> list[str]:
    return str(field_of((await outcome_of(commands, config)).result, "stdout")).split()


async def test_a_program_begins_in_a_directory_of_its_own_that_is_gone_after_it(commands: CommandRunner) -> None:
    script = "mkdir -p deep/deeper; echo x > deep/file; pwd; echo $HOME $TMPDIR; stat -c '%a %u' ."
    place, home, temporary, mode, owner = await _told(commands, _shell(script))
    assert (place, place, "700") == (home, temporary, mode)
    assert int(owner) == (ACCOUNTS[0] if ACCOUNTS else os.getuid())
    await until(lambda: not Path(place).exists())


async def test_two_programs_at_a_time_share_neither_directory_nor_account(commands: CommandRunner) -> None:
    other = begin(commands, _shell("echo mine > secret; echo ::horolog progress=1; pwd; exec sleep 1000"))
    await other.first_progress()
    own_uid, *names = await _told(commands, _shell("id -u; ls ..; cat ../*/secret 2>/dev/null"))
    other.stop(0.0)
    await other.end()
    if ACCOUNTS:
        assert (int(own_uid) in ACCOUNTS, names) == (True, [])
    else:
        assert int(own_uid) == os.getuid()


def test_an_account_is_given_to_one_at_a_time_and_none_to_more_than_there_are() -> None:
    cells = Cells(Box(), range(5000, 5002))
    first, second = cells.open(), cells.open()
    assert {first.account, second.account} == {5000, 5001}
    with pytest.raises(OSError, match="HOROLOG_JOB_UID_RANGE"):
        cells.open()
    cells.close(first)
    assert cells.open().account == first.account


def test_of_the_executors_environment_only_a_few_names_are_passed_on() -> None:
    environment = dict.fromkeys(("PATH", "LANG", "LC_TIME", "TZ", "HOME", "DATABASE_URL", "HOROLOG_TASK_KEYS"), "x")
    assert set(passed_on(environment)) == {"PATH", "LANG", "LC_TIME", "TZ"}


async def test_the_lowest_level_is_reached_everywhere() -> None:
    apartness = await keep_apart(IsolationSettings(demanded=Isolation.PROCESS), (), ())
    assert apartness.level is Isolation.PROCESS
    assert apartness.shortcomings == ()


async def test_a_level_that_is_demanded_and_not_reached_is_refused_with_what_is_wrong() -> None:
    with pytest.raises(SettingsError, match=r"by namespaces: .*the step program failed"):
        await keep_apart(IsolationSettings(demanded=Isolation.NAMESPACES, accounts=ACCOUNTS), (), LIBRARIES)


async def test_what_is_not_demanded_and_not_reached_is_told_and_less_is_taken() -> None:
    apartness = await keep_apart(IsolationSettings(), (), LIBRARIES)
    assert apartness.level is Isolation.PROCESS
    assert len(apartness.shortcomings) == 1


@pytest.mark.root
async def test_claimed_accounts_are_not_free_while_the_spawner_of_who_claimed_them_lives(tmp_path: Path) -> None:
    claim = claim_accounts(ACCOUNTS, len(ACCOUNTS), tmp_path)
    cells = Cells(None, claim.accounts)
    cells.held = claim.descriptors
    spawner = Spawner(cells)
    program = begin(CommandRunner(spawner, 10, {"PATH": os.environ["PATH"]}, None, {}), _shell(ENDLESS))
    await program.first_progress()
    # As the kernel does when an executor is killed.
    claim.close()
    with pytest.raises(NoAccountsFree):
        claim_accounts(ACCOUNTS, 1, tmp_path)
    await spawner.close()
    claim_accounts(ACCOUNTS, len(ACCOUNTS), tmp_path).close()
