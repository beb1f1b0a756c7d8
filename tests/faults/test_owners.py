"""Owners that are stopped, and wake up as if nothing had happened, or end while they own: real processes on Kafka.

Two tickers and two dispatchers share four partitions; one job fires every second. Whatever is done to the owner of its
partition, the log has each instant once, one admission for each fire, and one owner at a time.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from horolog.adapters.system import SystemClock
from horolog.domain.command_seals import CommandKey
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Outgoing, Place
from schemas.base import Message
from schemas.codec import decode, headers_of
from schemas.commands import CreateJob
from schemas.events.executions import ExecutionAdmitted, ExecutionSkipped
from schemas.events.fires import FireDue, FireMissed
from schemas.events.owners import OwnerCheckpointed
from schemas.jobs import CommandConfig, JobDefinition, JobType
from schemas.topics import CHECKPOINTS, COMMANDS, EXECUTIONS, FIRES, Topic, partition_of
from tests.faults.deployment import COMMAND_KEY, TENANT, Deployment, deployed

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]

PARTITION_COUNT = 4
HOME = partition_of(TENANT, PARTITION_COUNT)
SESSION_TIMEOUT_MS = "2000"
LONG_SESSION_TIMEOUT_MS = "300000"
"""Longer than any wait here: who succeeds was told, and did not find out by silence."""
ROLES = ("ticker", "dispatcher")
JOB_ID = "33333333-2222-4333-8444-555555555555"
DEADLINE_S = 90.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Owners:
    """The processes, and the log that tells what they did."""

    deployment: Deployment
    log: KafkaLog

    def process(self, role: str, pid: int) -> subprocess.Popen[bytes]:
        return next(process for process in self.deployment.processes[role] if process.pid == pid)

    async def messages(self, topic: Topic, partition: int = HOME) -> list[Message]:
        """All that is committed in a partition."""
        place = Place(topic.name, partition)
        start, end = (await self.log.starts([place]))[place], (await self.log.ends([place]))[place]
        scan = self.log.scan(place, start, end)
        return [decode(r.topic, r.headers, r.value) async for batch in scan for r in batch]

    async def pid(self, role: str) -> int:
        """The process that owns the job's partition, by its last checkpoint."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                record = await self.log.latest(Place(CHECKPOINTS.name, HOME), role.encode())
                if record is not None:
                    checkpoint = decode(record.topic, record.headers, record.value)
                    assert isinstance(checkpoint, OwnerCheckpointed)
                    return int(checkpoint.owner.rpartition("-")[2])
                await asyncio.sleep(POLL_S)

    async def succeeded(self, role: str, pid: int) -> None:
        """Wait until another process owns the job's partition."""
        async with asyncio.timeout(DEADLINE_S):
            while await self.pid(role) == pid:
                await asyncio.sleep(POLL_S)

    async def left_by(self, role: str, pid: int, signal_: signal.Signals) -> datetime:
        """End the owner by the signal; returns the instant before it was sent."""
        now = SystemClock().now()
        leaver = self.process(role, pid)
        leaver.send_signal(signal_)
        await asyncio.to_thread(leaver.wait, DEADLINE_S)
        return now

    async def succession_s(self, role: str, pid: int, since: datetime) -> float:
        """How long after that instant another process wrote its first checkpoint for the job's partition."""
        await self.succeeded(role, pid)
        terms = [m for m in await self.checkpoints(role) if m.partition == HOME and not m.owner.endswith(f"-{pid}")]
        return min((m.at - since).total_seconds() for m in terms if m.at > since)

    async def goes_on(self, count: int = 3) -> None:
        """Wait until so many more fires are admitted."""
        wanted = len(await self.messages(EXECUTIONS)) + count
        async with asyncio.timeout(DEADLINE_S):
            while len(await self.messages(EXECUTIONS)) < wanted:
                await asyncio.sleep(POLL_S)

    async def owns_again(self, role: str, pid: int, checkpoint_count: int) -> None:
        """Wait until the process has written another checkpoint, in whatever partition."""
        async with asyncio.timeout(DEADLINE_S):
            while len(await self.checkpoints(role, pid)) <= checkpoint_count:
                await asyncio.sleep(POLL_S)

    async def checkpoints(self, role: str, pid: int | None = None) -> list[OwnerCheckpointed]:
        """The role's checkpoints in all partitions, or those of one process."""
        found = [m for partition in range(PARTITION_COUNT) for m in await self.messages(CHECKPOINTS, partition)]
        mine = [m for m in found if isinstance(m, OwnerCheckpointed) and m.role == role]
        return [m for m in mine if pid is None or m.owner.endswith(f"-{pid}")]


@asynccontextmanager
async def owning(kafka: str, logs: Path, session_timeout_ms: str | None = SESSION_TIMEOUT_MS) -> AsyncIterator[Owners]:
    """Two owners of each role, and one job that fires every second; without a timeout given, the product's own."""
    prefix = f"owners-{os.getpid()}-{logs.name}."
    settings = {"HOROLOG_MEMBER": ""}
    if session_timeout_ms is not None:
        settings["SCHEDULER_LOCK_TTL_MS"] = session_timeout_ms
    log = await KafkaLog.open(KafkaSettings(kafka, prefix, PARTITION_COUNT))
    try:
        with deployed(kafka, "", prefix, logs, roles=(*ROLES, *ROLES), settings=settings) as deployment:
            await create_job(log)
            yield Owners(deployment, log)
    finally:
        await log.close()


async def create_job(log: KafkaLog) -> None:
    """A job that fires every second; nobody is there to run it."""
    definition = JobDefinition(
        name="each second",
        cron_expression="* * * * * *",
        job_type=JobType.COMMAND,
        config=CommandConfig(command="/bin/true"),
        max_concurrent=1000,
    )
    now = SystemClock().now()
    create = CreateJob(
        tenant_id=TENANT,
        command_id=JOB_ID,
        actor="system:test",
        issued_at=now,
        job_id=JOB_ID,
        definition=definition,
    )
    value = create.to_json()
    headers = (*headers_of(create, "test", now), CommandKey(COMMAND_KEY.encode()).seal(create.TYPE, value))
    await log.append([Outgoing(COMMANDS.name, HOME, TENANT.encode(), value, headers)])


async def assert_nothing_lost_or_doubled(owners: Owners) -> None:
    """Each instant has one fire, each fire one admission, and each partition had one owner at a time."""
    fires = await owners.messages(FIRES)
    due = [fire for fire in fires if isinstance(fire, FireDue)]
    assert not [fire for fire in fires if isinstance(fire, FireMissed)]
    first = due[0].scheduled_for
    assert [fire.scheduled_for for fire in due] == [first + timedelta(seconds=index) for index in range(len(due))]
    judged = [m for m in await owners.messages(EXECUTIONS) if isinstance(m, ExecutionAdmitted | ExecutionSkipped)]
    assert [m.execution_id for m in judged] == [fire.fire_id for fire in due][: len(judged)]
    assert len(due) - len(judged) < 10
    for role in ROLES:
        for partition in range(PARTITION_COUNT):
            terms = [(m.epoch, m.owner) for m in await owners.checkpoints(role) if m.partition == partition]
            assert terms == sorted(terms)
            assert len({epoch for epoch, _ in terms}) == len(set(terms))


@pytest.mark.parametrize("role", ROLES)
async def test_owner_that_wakes_up_after_its_succession_changes_nothing(
    role: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    async with owning(kafka_bootstrap, tmp_path) as owners:
        await owners.goes_on()
        pid = await owners.pid(role)
        zombie = owners.process(role, pid)
        zombie.send_signal(signal.SIGSTOP)
        await owners.succeeded(role, pid)
        await owners.goes_on()
        count = len(await owners.checkpoints(role, pid))
        zombie.send_signal(signal.SIGCONT)
        await owners.owns_again(role, pid, count)
        await owners.goes_on()
        assert zombie.poll() is None
        await assert_nothing_lost_or_doubled(owners)


@pytest.mark.parametrize("role", ROLES)
async def test_owner_that_ends_hands_over_without_a_hole_or_a_double(
    role: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    async with owning(kafka_bootstrap, tmp_path) as owners:
        for _ in range(2):
            await owners.goes_on()
            pid = await owners.pid(role)
            leaver = owners.process(role, pid)
            leaver.terminate()
            await owners.succeeded(role, pid)
            await owners.goes_on()
            assert await asyncio.to_thread(leaver.wait, DEADLINE_S) == 0
            owners.deployment.start(role)
        await assert_nothing_lost_or_doubled(owners)


@pytest.mark.parametrize("role", ROLES)
async def test_owner_that_is_killed_is_succeeded_from_its_checkpoint_on(
    role: str, kafka_bootstrap: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """How long that takes is told, not judged: it depends on the machine."""
    async with owning(kafka_bootstrap, tmp_path, session_timeout_ms=None) as owners:
        await owners.goes_on()
        pid = await owners.pid(role)
        killed_at = await owners.left_by(role, pid, signal.SIGKILL)
        _tell(record_property, f"takeover of a killed {role}", await owners.succession_s(role, pid, killed_at))
        await owners.goes_on()
        await assert_nothing_lost_or_doubled(owners)


@pytest.mark.parametrize("role", ROLES)
async def test_owner_that_ends_hands_over_at_once_and_not_by_its_silence(
    role: str, kafka_bootstrap: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with owning(kafka_bootstrap, tmp_path, LONG_SESSION_TIMEOUT_MS) as owners:
        await owners.goes_on()
        pid = await owners.pid(role)
        ended_at = await owners.left_by(role, pid, signal.SIGTERM)
        _tell(record_property, f"hand-over of a {role}", await owners.succession_s(role, pid, ended_at))
        await owners.goes_on()
        await assert_nothing_lost_or_doubled(owners)


def _tell(record_property: Callable[[str, object], None], what: str, seconds: float) -> None:
    record_property(what, round(seconds, 2))
    sys.stdout.write(f"{what}: {seconds:.2f} s\n")
