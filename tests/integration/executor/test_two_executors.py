"""Two executors of one machine share one range of accounts: no two of their programs that live have the same one."""

import asyncio
import json
import os
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.client import EventProducer, Sender
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.runtime.command_keys import command_keys
from schemas.commands import TriggerJob
from schemas.jobs import CommandConfig, JobDefinition, JobType
from tests.faults.deployment import COMMAND_KEY, TENANT, Deployment, deployed

pytestmark = [pytest.mark.kafka, pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(240)]

PARTITION_COUNT = 4
ROOM = 5
ACCOUNTS = range(240_000, 240_000 + 2 * (ROOM + 2))
"""For two executors, each with its room and a function process that is replaced; for a third there are none."""
PROGRAM = ("/bin/sleep", "613.25")
DEADLINE_S = 90.0
POLL_S = 0.1
SETTINGS = {
    "HOROLOG_MEMBER": "",
    "HOROLOG_ISOLATION": "auto",
    "HOROLOG_JOB_UID_RANGE": f"{ACCOUNTS.start}-{ACCOUNTS.stop - 1}",
    "HOROLOG_TENANT_DEFAULTS": json.dumps({"allowedExecutables": [PROGRAM[0]]}),
    "SCHEDULER_MAX_CONCURRENT_JOBS": str(ROOM),
    "SCHEDULER_WORKER_COUNT": "1",
    "HOROLOG_FUNCTION_PROCESSES_KEPT": "1",
}


@asynccontextmanager
async def filled(bootstrap: str, dsn: str, folder: Path) -> AsyncIterator[Deployment]:
    """A dispatcher and two executors, and more programs than they have room for, which do not end by themselves."""
    prefix = f"two-executors-{os.getpid()}."
    log = await KafkaLog.open(KafkaSettings(bootstrap, prefix, PARTITION_COUNT))
    try:
        with deployed(
            bootstrap, dsn, prefix, folder, roles=("dispatcher", "executor", "executor"), settings=SETTINGS
        ) as deployment:
            producer = EventProducer(
                log, Sender(TENANT, "service:test"), SystemClock(), RandomIds(), command_keys(COMMAND_KEY)
            )
            _, job_id = await producer.create_job(endless(4 * ROOM))
            for _ in range(4 * ROOM):
                await producer.send(TriggerJob, job_id=job_id)
            yield deployment
    finally:
        await log.close()


def endless(count: int) -> JobDefinition:
    """A job of which so many executions go on side by side."""
    return JobDefinition(
        name="endless",
        cron_expression="0 0 0 1 1 *",
        job_type=JobType.COMMAND,
        config=CommandConfig(command=PROGRAM[0], args=PROGRAM[1:]),
        max_concurrent=count,
    )


def living(deployment: Deployment) -> list[subprocess.Popen[bytes]]:
    """The executors that have not ended."""
    return [process for process in deployment.processes["executor"] if process.poll() is None]


def accounts_of(executor: subprocess.Popen[bytes]) -> list[int]:
    """The accounts of the programs that an executor has running, by what the kernel says."""
    return sorted(account for pid in _descendants(executor.pid) if (account := _account_of(pid)) is not None)


async def full(*executors: subprocess.Popen[bytes]) -> list[list[int]]:
    """The accounts that each of them has given out, once it has as many programs as it has room for."""
    async with asyncio.timeout(DEADLINE_S):
        while min(map(len, found := [accounts_of(one) for one in executors])) < ROOM:
            await asyncio.sleep(POLL_S)
    return found


def _descendants(ancestor: int) -> Iterator[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (told := _read(entry / "stat")):
            children[int(told.rpartition(b")")[2].split()[1])].append(int(entry.name))
    waiting = [ancestor]
    while waiting:
        below = children[waiting.pop()]
        yield from below
        waiting += below


def _account_of(pid: int) -> int | None:
    """The real account of a process, if it is one of the programs."""
    if _read(Path(f"/proc/{pid}/cmdline")).split(b"\0")[:2] != [part.encode() for part in PROGRAM]:
        return None
    told = [line for line in _read(Path(f"/proc/{pid}/status")).splitlines() if line.startswith(b"Uid:")]
    return int(told[0].split()[1]) if told else None


def _read(path: Path) -> bytes:
    """Nothing, if the process is gone."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def assert_apart(given: list[list[int]]) -> None:
    """Every program has one of the accounts, and no other program has it."""
    everyone = [account for one in given for account in one]
    assert len(everyone) == len(set(everyone)) == 2 * ROOM, given
    assert set(everyone) <= set(ACCOUNTS)


async def test_no_two_programs_of_two_executors_have_the_same_account(
    kafka_bootstrap: str, migrated_database: str, tmp_path: Path
) -> None:
    async with filled(kafka_bootstrap, migrated_database, tmp_path) as deployment:
        assert_apart(await full(*living(deployment)))
        # All accounts are given out: one more executor finds none, and says so.
        deployment.start("executor")
        refused = deployment.processes["executor"][-1]
        assert await asyncio.to_thread(refused.wait, DEADLINE_S) == 1
        told = (tmp_path / "executor-2.log").read_text()
        assert "HOROLOG_JOB_UID_RANGE" in told
        assert "other executors of this machine hold them" in told


async def test_the_accounts_of_an_executor_that_was_killed_go_to_the_next(
    kafka_bootstrap: str, migrated_database: str, tmp_path: Path
) -> None:
    async with filled(kafka_bootstrap, migrated_database, tmp_path) as deployment:
        await full(*living(deployment))
        deployment.kill("executor")
        (left,) = living(deployment)
        deployment.start("executor")
        (_, heir) = living(deployment)
        assert_apart(await full(left, heir))
