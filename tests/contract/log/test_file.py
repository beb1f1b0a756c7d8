"""What the log in a file promises besides: it survives its process, and keeps what its topics keep."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import cast

import pytest

from horolog.adapters.system import SystemClock
from horolog.log.embedded import EmbeddedLog
from horolog.log.port import CommitUnknown, Fenced, LogError, LogUnavailable, Place
from tests.contract.log.crash_writer import WRITER_COUNT
from tests.contract.log.records import (
    CHECKPOINTS,
    COMMANDS,
    DEADLINE_S,
    EXECUTIONS,
    JOBS,
    TABLE,
    everything,
    numbered,
    outgoing,
    read,
    values,
)

ROUND_COUNT = 15


@dataclass
class HandClock(SystemClock):
    """A wall clock that is moved by hand."""

    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log is."""
    return tmp_path / "log.db"


@pytest.fixture
async def log(path: Path) -> AsyncIterator[EmbeddedLog]:
    """A log in a file."""
    opened = EmbeddedLog.open(path, SystemClock(), 2)
    yield opened
    await opened.close()


def commits_until_killed(path: Path, acknowledged_count: int) -> list[tuple[int, int]]:
    """Let a process commit, kill it after so many acknowledgements, and return all that it gave."""
    command = [sys.executable, "-m", "tests.contract.log.crash_writer", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(acknowledged_count)]
        process.kill()
        lines += [line for line in process.stdout if line.endswith(b"\n")]
    pairs = [line.split() for line in lines]
    return [(int(name), int(number)) for name, number in pairs]


@pytest.mark.slow
async def test_acknowledged_commits_survive_kills_and_unacknowledged_ones_are_whole_or_absent(path: Path) -> None:
    random = Random(20261124)
    next_number = Counter[int]()
    for _ in range(ROUND_COUNT):
        for name, number in commits_until_killed(path, random.randrange(1, 120)):
            assert number >= next_number[name]
            next_number[name] = number + 1
        log = EmbeddedLog.open(path, SystemClock(), 2)
        jobs, table = values(await everything(log, JOBS)), values(await everything(log, TABLE))
        for name in range(WRITER_COUNT):
            own = [value for value in table if (value or b"").startswith(b"%d " % name)]
            assert own == [b"%d %d" % (name, number) for number in range(len(own))]
            assert [value for value in jobs if value in set(own)] == [value for value in own for _ in range(2)]
            assert next_number[name] <= len(own) <= next_number[name] + 1
            next_number[name] = len(own)
        assert len(jobs) == 2 * len(table)
        await log.close()


async def test_log_is_the_same_after_it_was_closed_and_opened(path: Path) -> None:
    log = EmbeddedLog.open(path, SystemClock(), 2)
    old = await log.open_writer("dispatcher", 0)
    await old.commit([*numbered(JOBS, 10), *numbered(TABLE, 10), outgoing(EXECUTIONS, None, b"gone")])
    before = [await everything(log, place) for place in (JOBS, TABLE, EXECUTIONS)]
    await log.close()
    log = EmbeddedLog.open(path, SystemClock(), 2)
    assert [await everything(log, place) for place in (JOBS, TABLE, EXECUTIONS)] == before
    new = await log.open_writer("dispatcher", 0)
    assert new.epoch > old.epoch
    await new.commit(numbered(JOBS, 1, 10))
    assert values(await everything(log, JOBS))[-2:] == [b"9", b"10"]
    await log.close()


async def test_file_in_use_is_refused_and_free_again_after_closing(path: Path) -> None:
    log = EmbeddedLog.open(path, SystemClock(), 2)
    with pytest.raises(LogError, match="in use by another process"):
        EmbeddedLog.open(path, SystemClock(), 2)
    other = [sys.executable, "-m", "tests.contract.log.crash_writer", str(path)]
    process = await asyncio.create_subprocess_exec(*other, stderr=subprocess.PIPE, cwd=Path(__file__).parents[3])
    _, complaint = await process.communicate()
    assert b"in use by another process" in complaint
    await log.close()
    await EmbeddedLog.open(path, SystemClock(), 2).close()


def test_file_that_is_no_log_is_refused(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(LogError, match="cannot be used"):
        EmbeddedLog.open(path, SystemClock(), 2)


async def test_other_number_of_partitions_is_refused(path: Path) -> None:
    log = EmbeddedLog.open(path, SystemClock(), 2)
    await log.create_topics()
    await log.close()
    log = EmbeddedLog.open(path, SystemClock(), 4)
    with pytest.raises(LogError, match="partitions"):
        await log.create_topics()
    await log.close()


async def test_failing_commit_takes_no_other_with_it(log: EmbeddedLog) -> None:
    writers = [await log.open_writer("dispatcher", partition) for partition in range(20)]
    impossible = outgoing(JOBS, b"bad", cast("bytes", None))
    commits = [
        writer.commit([outgoing(JOBS, b"%d" % n), impossible] if n == 7 else [outgoing(JOBS, b"%d" % n)])
        for n, writer in enumerate(writers)
    ]
    outcomes = await asyncio.gather(*commits, log.append([impossible]), return_exceptions=True)
    assert isinstance(outcomes[7], CommitUnknown)
    assert isinstance(outcomes[20], LogUnavailable)
    assert [n for n, outcome in enumerate(outcomes) if outcome is None] == [n for n in range(20) if n != 7]
    records = await everything(log, JOBS)
    assert values(records) == [b"%d" % n for n in range(20) if n != 7]
    assert [record.offset for record in records] == list(range(19))


async def test_fenced_commit_in_a_group_takes_no_other_with_it(log: EmbeddedLog) -> None:
    old = await log.open_writer("dispatcher", 0)
    new = await log.open_writer("dispatcher", 0)
    commits = (old.commit(numbered(JOBS, 2)), new.commit(numbered(JOBS, 3)), log.append(numbered(JOBS, 1, 3)))
    outcomes = list(await asyncio.gather(*commits, return_exceptions=True))
    assert isinstance(outcomes[0], Fenced)
    assert outcomes.count(None) == 2
    assert values(await everything(log, JOBS)) == [b"0", b"1", b"2", b"3"]


async def test_reader_far_behind_a_small_cache_reads_everything_once_while_more_is_written(path: Path) -> None:
    log = EmbeddedLog.open(path, SystemClock(), 2, tail_bytes_max=20_000)
    reader = log.reader()
    reader.assign({JOBS: 0, EXECUTIONS: 0})
    found: list[bytes | None] = []
    for first in range(0, 2_000, 100):
        await log.append([*numbered(JOBS, 100, first), *numbered(EXECUTIONS, 5)])
        found += values([record for record in await reader.poll(70, 0) if record.topic == JOBS.topic])
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < 2_000:
            found += values([record for record in await reader.poll(70, 1.0) if record.topic == JOBS.topic])
    assert found == [b"%d" % number for number in range(2_000)]
    await log.close()


@pytest.mark.parametrize("durable", [False, True], ids=["memory", "file"])
async def test_sweep_removes_old_records_of_topics_that_forget(path: Path, durable: bool) -> None:
    clock = HandClock()
    log = EmbeddedLog.open(path if durable else None, clock, 2)
    await log.append([*numbered(COMMANDS, 3000), *numbered(JOBS, 3)])
    clock.at += timedelta(days=5)
    await log.append(numbered(COMMANDS, 2, 3000))
    assert await log.sweep(milliseconds(clock.at)) == 0
    clock.at += timedelta(days=3)
    assert await log.sweep(milliseconds(clock.at)) == 3000
    assert values(await everything(log, COMMANDS)) == [b"3000", b"3001"]
    assert len(await everything(log, JOBS)) == 3
    clock.at += timedelta(days=8)
    await log.sweep(milliseconds(clock.at))
    assert (await log.starts([COMMANDS]), await log.ends([COMMANDS])) == ({COMMANDS: 3002}, {COMMANDS: 3002})
    await log.close()
    if durable:
        log = EmbeddedLog.open(path, clock, 2)
        assert (await log.starts([COMMANDS]), await log.ends([COMMANDS])) == ({COMMANDS: 3002}, {COMMANDS: 3002})
        await log.close()


async def superseded(log: EmbeddedLog, clock: HandClock) -> None:
    """Write a value, a newer one and a tombstone, and let 23 hours go by."""
    await log.append([outgoing(TABLE, b"a1", b"a"), outgoing(TABLE, b"b1", b"b"), outgoing(TABLE, b"a2", b"a")])
    await log.append([outgoing(TABLE, None, b"b"), *[outgoing(CHECKPOINTS, b"%d" % n) for n in range(9)]])
    clock.at += timedelta(hours=23)
    await log.sweep(milliseconds(clock.at))


async def test_compaction_keeps_the_last_of_each_key_and_a_day_of_history() -> None:
    clock = HandClock()
    log = EmbeddedLog.open(None, clock, 2)
    await superseded(log, clock)
    assert values(await everything(log, TABLE)) == [b"a1", b"b1", b"a2", None]
    assert values(await everything(log, CHECKPOINTS)) == [b"8"]
    clock.at += timedelta(hours=2)
    await log.sweep(milliseconds(clock.at))
    assert [(record.offset, record.value) for record in await everything(log, TABLE)] == [(2, b"a2")]
    assert await log.latest(TABLE, b"b") is None
    reader = log.reader()
    reader.assign({TABLE: 0})
    assert values(await read(reader, 1)) == [b"a2"]


async def test_compaction_of_the_file_shows_when_it_is_opened_again(path: Path) -> None:
    clock = HandClock()
    log = EmbeddedLog.open(path, clock, 2)
    await superseded(log, clock)
    await log.close()
    log = EmbeddedLog.open(path, clock, 2)
    assert values(await everything(log, TABLE)) == [b"a1", b"b1", b"a2", None]
    assert values(await everything(log, CHECKPOINTS)) == [b"8"]
    clock.at += timedelta(hours=2)
    await log.sweep(milliseconds(clock.at))
    assert await log.latest(TABLE, b"b") is None
    await log.close()
    log = EmbeddedLog.open(path, clock, 2)
    assert [(record.offset, record.value) for record in await everything(log, TABLE)] == [(2, b"a2")]
    assert await log.ends([TABLE]) == {TABLE: 4}
    await log.close()


async def test_closed_log_says_so(path: Path) -> None:
    log = EmbeddedLog.open(path, SystemClock(), 2)
    await log.close()
    await log.close()
    with pytest.raises(LogUnavailable, match="closed"):
        await log.append(numbered(JOBS, 1))


async def test_topics_of_others_may_be_used_too(log: EmbeddedLog) -> None:
    alerts = Place("alerts", 1)
    await log.append([outgoing(alerts, b"1", b"x"), outgoing(alerts, b"2", b"y")])
    found = await log.latest(alerts, b"x")
    assert found is not None
    assert found.value == b"1"
    assert await log.latest(alerts, b"z") is None


def milliseconds(at: datetime) -> int:
    """An instant as the log counts time."""
    return int(at.timestamp() * 1000)


async def test_nobody_else_may_read_what_is_in_it(path: Path, log: EmbeddedLog) -> None:
    await log.create_topics()
    await log.append([outgoing(COMMANDS, b"1")])
    modes = {file.name: file.stat().st_mode & 0o077 for file in path.parent.iterdir()}
    assert "log.db-wal" in modes
    assert set(modes.values()) == {0}, modes
