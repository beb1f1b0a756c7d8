"""The API's watch: what is overdue is found, told to whom it concerns, and forgotten once it is accounted for."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from horolog import limits
from horolog.domain.identity import fire_id
from horolog.log.port import Place, Record
from projections.views import ScheduleView
from schemas.topics import CHECKPOINTS, EXECUTIONS, JOBS, partition_of
from services.api.schedule_watch import ScheduleWatch
from tests.unit.api.ledger import MemoryReadModel
from tests.unit.api.scheduler import AnsweringLog
from tests.unit.api.world import OURS, START, THEIRS, HandClock

LOOK_COUNT = limits.OVERDUE_LOOK_JOB_COUNT_MAX


@dataclass
class GappedLog(AnsweringLog):
    """Between the read models' positions and its ends there are records, unless it ends with gaps."""

    has_gaps: bool = False

    async def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        if not self.has_gaps:
            yield [Record(place.topic, place.partition, start, b"", b"", (), 0)]


class Watched:
    """A watch over jobs of two tenants, and what it tells."""

    def __init__(self) -> None:
        self.read_model, self.clock = MemoryReadModel(), HandClock()
        self.log = GappedLog(self.read_model, START)
        self.counts: list[Mapping[str, int]] = []
        self.watch = ScheduleWatch(self.log, self.read_model, self.clock, self.counts.append)

    def add(self, number: int, tenant: str = OURS, expression: str = "0 * * * * *", **changes: datetime) -> str:
        """An active job; in force since an hour ago, unless said otherwise."""
        dates: dict[str, datetime | None] = {"effective_from": START - timedelta(hours=1)}
        dates |= {"start_date": None, "end_date": None, **changes}
        job_id = f"{number:08x}-0000-4000-8000-000000000000"
        self.read_model.schedules.append(
            ScheduleView(job_id=job_id, tenant_id=tenant, cron_expression=expression, timezone="UTC", **dates)  # type: ignore[arg-type] # each is there
        )
        return job_id

    def account(self, job_id: str, tenant: str, instant: datetime) -> None:
        """The ledger tells of that instant."""
        self.read_model.accounted.add(fire_id(tenant, job_id, instant))

    def found(self) -> dict[str, datetime]:
        return {one.job_id: one.since for one in self.watch.findings.overdue}


@pytest.fixture
def watched() -> Watched:
    """Nothing is overdue yet."""
    return Watched()


async def test_instant_of_which_nothing_tells_is_overdue(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = watched.add(1), watched.add(2, THEIRS)
    watched.account(theirs, THEIRS, START - timedelta(minutes=1))
    await watched.watch.look()
    # The instant at the start itself has only just come; the last one that must be accounted for is a minute old.
    assert watched.found() == {ours: START - timedelta(minutes=1)}
    assert watched.counts == [{OURS: 1}]
    (told,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert (vars(told)["tenant_id"], vars(told)["job_id"]) == (OURS, ours)


async def test_what_is_found_is_told_once_and_forgotten_when_it_is_accounted_for(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = watched.add(1)
    for _ in range(3):
        await watched.watch.look()
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 1
    watched.account(job_id, OURS, START - timedelta(minutes=1))
    await watched.watch.look()
    assert (watched.found(), watched.counts[-1]) == ({}, {})


@pytest.mark.parametrize(
    ("expression", "changes"),
    [
        ("0 * * * * *", {"effective_from": START - timedelta(seconds=60)}),
        ("0 * * * * *", {"start_date": START - timedelta(seconds=59)}),
        ("0 0 13 * * *", {}),
        ("0 0 0 1 1 *", {}),
        ("45 59 11 * * *", {}),
    ],
)
async def test_what_was_not_owed_long_enough_ago_is_not_overdue(
    watched: Watched, expression: str, changes: dict[str, Any]
) -> None:
    watched.add(1, expression=expression, **changes)
    await watched.watch.look()
    assert watched.found() == {}


async def test_last_instant_before_the_end_date_stays_overdue(watched: Watched) -> None:
    end = START - timedelta(minutes=30)
    job_id = watched.add(1, end_date=end)
    await watched.watch.look()
    assert watched.found() == {job_id: end}


async def test_schedule_that_cannot_be_understood_is_told(watched: Watched) -> None:
    job_id = watched.add(1, expression="no expression")
    await watched.watch.look()
    assert [(one.job_id, one.is_unreadable) for one in watched.watch.findings.overdue] == [(job_id, True)]


async def test_jobs_are_not_judged_by_read_models_that_are_behind(watched: Watched) -> None:
    watched.add(1)
    watched.log.end = 7
    await watched.watch.look()
    assert (watched.found(), watched.watch.findings.behind) == ({}, [])
    watched.clock.at += timedelta(seconds=40)
    topics = (JOBS, EXECUTIONS, CHECKPOINTS)
    for partition in range(4):
        moved = 7 if partition != partition_of(OURS, 4) else 6
        watched.read_model.positions_by_place |= {(topic.name, partition): moved for topic in topics}
    await watched.watch.look()
    assert (watched.found(), watched.watch.findings.behind) == ({}, [partition_of(OURS, 4)])


async def test_read_models_that_catch_up_are_judged_by_again(watched: Watched) -> None:
    job_id = watched.add(1)
    watched.log.end = 7
    await watched.watch.look()
    places = [(topic.name, p) for topic in (JOBS, EXECUTIONS, CHECKPOINTS) for p in range(4)]
    watched.read_model.positions_by_place = dict.fromkeys(places, 7)
    await watched.watch.look()
    assert list(watched.found()) == [job_id]


async def test_partition_that_falls_behind_is_no_longer_judged(watched: Watched) -> None:
    job_id = watched.add(1)
    await watched.watch.look()
    assert list(watched.found()) == [job_id]
    watched.log.end = 7
    for seconds in (15, 40):
        watched.clock.at += timedelta(seconds=seconds)
        await watched.watch.look()
    assert (watched.found(), watched.watch.findings.behind) == ({}, [0, 1, 2, 3])


async def test_log_that_ends_with_gaps_has_been_applied(watched: Watched) -> None:
    job_id = watched.add(1)
    watched.log.end, watched.log.has_gaps = 7, True
    await watched.watch.look()
    assert list(watched.found()) == [job_id]


async def test_sweep_goes_through_all_jobs_and_loses_none_on_the_way(watched: Watched) -> None:
    ids = [watched.add(number) for number in range(LOOK_COUNT + 700)]
    await watched.watch.look()
    assert list(watched.found()) == ids[:LOOK_COUNT]
    await watched.watch.look()
    assert list(watched.found()) == ids
    watched.account(ids[3], OURS, START - timedelta(minutes=1))
    watched.account(ids[-1], OURS, START - timedelta(minutes=1))
    await watched.watch.look()
    assert (ids[3] in watched.found(), ids[-1] in watched.found()) == (False, True)
    await watched.watch.look()
    assert sorted(watched.found()) == [*ids[:3], *ids[4:-1]]
    assert watched.counts[-1] == {OURS: len(ids) - 2}


async def test_look_that_fails_ends_neither_the_loop_nor_what_was_found(watched: Watched) -> None:
    watched.add(1)
    looks: list[str] = []

    class Stop(BaseException):
        """Ends the loop, as only its own end does."""

    class FailingClock(HandClock):
        async def sleep(self, seconds: float) -> None:
            looks.append("look")
            watched.read_model.gone, watched.read_model.broken = len(looks) == 2, len(looks) == 3
            if len(looks) == 5:
                raise Stop

    watch = ScheduleWatch(watched.log, watched.read_model, FailingClock(), watched.counts.append)
    with pytest.raises(Stop):
        await watch.run()
    assert (len(watched.counts), watch.failures, len(watch.findings.overdue)) == (2, 1, 1)
