"""`horolog replay`: in one order, filtered, for people and for machines, without touching the log."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from horolog.adapters.system import SystemClock
from horolog.cli.__main__ import main
from horolog.cli.replay_filters import Entry, Filters
from horolog.cli.replay_reading import Source, replayed
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.embedded.snapshot import SnapshotLog
from horolog.log.port import LogError, Outgoing, Place, PositionLost
from schemas.base import Message
from schemas.codec import headers_of
from schemas.events.executions import AttemptStarted
from schemas.events.fires import FireDue
from schemas.events.jobs import JobDeleted, JobUpdated
from schemas.registry import TOPIC_OF_MODEL
from schemas.topics import DAY_MS, EXECUTIONS, FIRES, JOBS
from tests.unit.projections.facts import (
    HOME,
    OTHER_TENANT,
    PARTITIONS,
    START,
    TENANT,
    accepted,
    admitted,
    at,
    beat,
    changed,
    event,
    job,
    partition_for,
    uuid_of,
)

EVERYTHING = Filters()
POISON = Outgoing(JOBS.name, HOME, b"strange", b"{", ())


def told(message: Message, seconds: float) -> Outgoing:
    """The message, written at that many seconds after the start."""
    headers = headers_of(message, "test", at(seconds))
    topic, key = TOPIC_OF_MODEL[type(message)].name, message.subject().encode()
    return Outgoing(topic, partition_for(message), key, message.to_json(), headers)


def fire(seconds: float) -> FireDue:
    return FireDue(
        tenant_id=TENANT,
        job_id=uuid_of(1),
        fire_id=uuid_of(1001),
        scheduled_for=at(1),
        schedule_version=1,
        emitted_at=at(seconds),
    )


STORY = [
    told(changed(job(1)), 0),
    told(changed(job(9, tenant=OTHER_TENANT)), 0.5),
    told(fire(1), 1),
    told(admitted(1), 2),
    told(event(AttemptStarted, 1, 2, attempt=1, worker_id="w", started_at=at(3)), 3),
    told(changed(job(1, 2, seconds=4, name="new name"), JobUpdated), 4),
    told(accepted(7), 5),
    told(beat(), 6),
    told(changed(job(9, 2, tenant=OTHER_TENANT, seconds=7).model_copy(update={"deleted": True}), JobDeleted), 7),
]


async def write(log: EmbeddedLog, records: Sequence[Outgoing]) -> None:
    await log.create_topics()
    for record in records:
        await log.append([record])


async def _written(path: Path, records: Sequence[Outgoing]) -> None:
    log = EmbeddedLog.open(path, SystemClock(), PARTITIONS)
    await write(log, records)
    await log.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with the log of the story."""
    asyncio.run(_written(tmp_path / "log.db", STORY))
    return tmp_path


def lines(home: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["replay", "--dir", str(home), *words]) == 0
    return capsys.readouterr().out.splitlines()


def types(home: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    found = [json.loads(line) for line in lines(home, capsys, "--json", *words)]
    return [each["type"].removeprefix("io.horolog.").removesuffix(".v1") for each in found]


def test_everything_is_told_in_the_order_of_time(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert types(home, capsys) == [
        "job.created",
        "job.created",
        "fire.due",
        "execution.admitted",
        "attempt.started",
        "job.updated",
        "command.accepted",
        "job.deleted",
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--job", uuid_of(9)], ["job.created", "job.deleted"]),
        (["--tenant", OTHER_TENANT, "--type", "job.created"], ["job.created"]),
        (["--execution", uuid_of(1001)], ["fire.due", "execution.admitted", "attempt.started"]),
        (["--type", "io.horolog.job.updated.v1", "--type", "fire"], ["fire.due", "job.updated"]),
        (["--topic", "jobs", "--limit", "2"], ["job.created", "job.created"]),
        (["--topic", "workers.v1"], ["worker.beat"]),
        (["--type", "worker"], ["worker.beat"]),
        (["--from", at(3).isoformat(), "--to", at(5).isoformat()], ["attempt.started", "job.updated"]),
        (["--from", "2026-03-01T12:00:05"], ["command.accepted", "job.deleted"]),
        (["--tenant", uuid_of(4)], []),
    ],
)
def test_filters_leave_out_the_rest(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str], expected: list[str]
) -> None:
    assert types(home, capsys, *words) == expected


def test_a_line_says_when_where_what_and_the_essentials(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(home, capsys, "--type", "job.updated")
    assert line.startswith(f"2026-03-01T12:00:04.000Z  jobs.v1/{HOME}@1  job.updated  {uuid_of(1)}  ")
    assert 'name="new name"' in line
    assert "version=2 status=active" in line
    assert "actor=user:test" in line


def test_an_object_holds_all_that_there_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(home, capsys, "--type", "fire", "--json")
    found = json.loads(line)
    assert (found["topic"], found["partition"], found["offset"]) == (FIRES.name, HOME, 0)
    assert (found["time"], found["subject"], found["key"]) == ("2026-03-01T12:00:01.000Z", uuid_of(1), uuid_of(1))
    assert found["headers"]["ce_type"] == found["type"] == FireDue.TYPE
    assert FireDue.model_validate(found["data"]) == fire(1)


def test_the_jobs_are_shown_as_they_were(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def jobs(seconds: float, *words: str) -> list[tuple[str, int]]:
        (line,) = lines(home, capsys, "--as-of", at(seconds).isoformat(), "--json", *words)
        return [(each["definition"]["name"], each["version"]) for each in json.loads(line)["jobs"]]

    assert jobs(0) == [("job 1", 1), ("job 9", 1)]
    assert jobs(4, "--tenant", TENANT) == [("new name", 2)]
    assert jobs(6.9) == [("new name", 2), ("job 9", 1)]
    assert jobs(7) == [("new name", 2)]
    assert any("new name" in line for line in lines(home, capsys, "--as-of", at(7).isoformat()))


def test_records_of_strangers_are_shown_and_do_not_stop_the_jobs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_written(tmp_path / "log.db", [POISON, *STORY]))
    found = [json.loads(line) for line in lines(tmp_path, capsys, "--json", "--topic", "jobs")]
    (strange,) = [each for each in found if each["type"] is None]
    assert (strange["key"], strange["valueBase64"], strange["data"]) == ("strange", "ew==", None)
    assert any("no JSON object" in line for line in lines(tmp_path, capsys, "--topic", "jobs"))
    assert main(["replay", "--dir", str(tmp_path), "--as-of", at(9).isoformat()]) == 0
    assert "1 records on jobs.v1 are no job changes" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--type", "shoe"], ["--topic", "shoes"], ["--from", "soon"], ["--as-of", "2026-01-01", "--type", "job"]]
)
def test_a_wrong_filter_is_a_mistake_of_use(home: Path, words: list[str]) -> None:
    assert main(["replay", "--dir", str(home), *words]) == 2


def test_a_directory_without_a_log_is_told_and_left_as_it_was(tmp_path: Path) -> None:
    assert main(["replay", "--dir", str(tmp_path)]) == 1
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "log.db").write_text("this is no database, but long enough to be looked at as if it were one " * 20)
    assert main(["replay", "--dir", str(tmp_path)]) == 3
    with pytest.raises(LogError):
        SnapshotLog(tmp_path / "missing" / "log.db")


def files(folder: Path) -> dict[str, int]:
    """The files by name, and when each was last written."""
    return {each.name: each.stat().st_mtime_ns for each in folder.iterdir()}


async def everything(source: Source, filters: Filters = EVERYTHING) -> list[Entry]:
    places = filters.places(source.partition_count)
    return [entry async for entry in replayed(source, places, filters.accepts)]


async def test_the_file_is_read_while_its_owner_writes(tmp_path: Path) -> None:
    log = EmbeddedLog.open(tmp_path / "log.db", SystemClock(), PARTITIONS)
    await write(log, STORY[:3])
    reading = SnapshotLog(tmp_path / "log.db")
    assert len(await everything(reading)) == 3
    await write(log, STORY[3:])
    assert len(await everything(reading)) == len(STORY) - 1
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("log.db", "log.db-wal"):
        shutil.copy(tmp_path / name, copy / name)
    crashed = SnapshotLog(copy / "log.db")
    assert len(await everything(crashed)) == len(STORY) - 1
    for opened in (reading, crashed, log):
        await opened.close()


async def test_a_file_at_rest_is_left_alone_and_followed_when_its_owner_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    await _written(path, STORY[:3])
    before = files(tmp_path)
    reading = SnapshotLog(path)
    assert len(await everything(reading)) == 3
    assert files(tmp_path) == before
    log = EmbeddedLog.open(path, SystemClock(), PARTITIONS)
    await write(log, STORY[3:5])
    assert len(await everything(reading)) == 5
    await reading.close()
    await log.close()
    at_rest = SnapshotLog(path)
    await _written(path, STORY[5:])
    assert len(await everything(at_rest)) == len(STORY) - 1
    await at_rest.close()


async def test_what_is_no_longer_kept_is_not_passed_over_silently(tmp_path: Path) -> None:
    log = EmbeddedLog.open(tmp_path / "log.db", SystemClock(), PARTITIONS)
    await write(log, STORY)
    reading, place = SnapshotLog(tmp_path / "log.db"), Place(FIRES.name, HOME)
    reader = reading.reader()
    reader.assign(await reading.starts([place]))
    await log.sweep(int(SystemClock().now().timestamp() * 1000) + 40 * DAY_MS)
    with pytest.raises(PositionLost):
        await reader.poll(10, 0)
    assert [entry.record.topic for entry in await everything(reading, Filters(topics=[FIRES]))] == []
    await reading.close()
    await log.close()


def key_of(entry: Entry) -> tuple[str, int, int]:
    return entry.record.topic, entry.record.partition, entry.record.offset


@pytest.mark.parametrize("seed", range(5))
async def test_places_are_merged_by_time_and_each_keeps_its_order(seed: int) -> None:
    random = Random(seed)
    log = EmbeddedLog.open(None, SystemClock(), PARTITIONS)
    moments: dict[Place, list[datetime]] = {}
    for number in range(3000):
        place = Place(random.choice((JOBS, FIRES, EXECUTIONS)).name, random.randrange(PARTITIONS))
        moment = START + timedelta(seconds=number // 10 + random.choice((0, 0, 0, 5, -5)))
        moments.setdefault(place, []).append(moment)
        headers = (("ce_time", moment.isoformat().encode()),)
        await log.append([Outgoing(*place, b"key", b'{"a": 1}', headers)])
    expected: list[tuple[Any, ...]] = []
    for place, times in moments.items():
        expected += [(max(times[: i + 1]), *place, i) for i in range(len(times))]
    assert [key_of(entry) for entry in await everything(log)] == [each[1:] for each in sorted(expected)]
    await log.close()
