"""After a new release of the time zone data the next instants are computed anew, once, and equal a rebuilt copy's."""

from datetime import datetime

from horolog.domain.cron import tzdata_version
from horolog.verify import Kind, Window
from projections.replanning import Replanner
from projections.verification import LedgerQuestion, verify_ledger
from projections.verification_tables import verify_projections
from schemas.events.jobs import JobPaused
from schemas.events.owners import ZoneDataUse
from schemas.jobs import JobStatus
from tests.integration.projections.world import StillClock, World, project
from tests.unit.projections.facts import PARTITIONS, START, at, changed, checkpoint, job, uuid_of

STALE = datetime.fromisoformat("2001-01-01T00:00:00Z")
USES = (ZoneDataUse(version="2019a", after=at(-86_400)), ZoneDataUse(version=tzdata_version(), after=at(7200)))


async def replan(world: World) -> list[int]:
    """Go through all pages, of two jobs each; how many jobs of each had another next instant."""
    replanner = Replanner(PARTITIONS, page_count=2)
    return [await replanner.look(world.eye) for _ in range(4)]


async def age(world: World, version: str | None = "2019a") -> None:
    """Let the rows be as an older release had planned them."""
    await world.eye.execute("update scheduled_jobs set next_execution_at = $1 where status = 'active'", STALE)
    await world.eye.execute("delete from planned_zone_data")
    if version is not None:
        await world.eye.execute("insert into planned_zone_data (version) values ($1)", version)


async def next_instants(world: World) -> list[datetime | None]:
    rows = await world.rows("scheduled_jobs", "id::text, next_execution_at")
    return [row["next_execution_at"] for row in rows]


async def several_jobs(world: World) -> None:
    paused = job(3, version=2).model_copy(update={"status": JobStatus.PAUSED})
    await project(world, *(changed(job(number)) for number in range(1, 6)), changed(paused, JobPaused))


async def test_active_jobs_are_planned_anew_page_by_page_and_equal_a_copy_from_the_log(world: World) -> None:
    await several_jobs(world)
    before = await next_instants(world)
    await age(world)
    assert await next_instants(world) == [STALE, STALE, None, STALE, STALE]
    assert await replan(world) == [2, 2, 0, 0]
    assert await next_instants(world) == before == [at(3600), at(3600), None, at(3600), at(3600)]
    reports = await verify_projections(world.log, world.dsn, StillClock())
    assert not any(report.differences for report in reports)


async def test_it_is_done_once_for_each_release(world: World) -> None:
    await several_jobs(world)
    await age(world, version=None)
    assert sum(await replan(world)) == 4
    await world.eye.execute("update scheduled_jobs set next_execution_at = $1", STALE)
    assert await replan(world) == [0, 0, 0, 0]
    assert set(await next_instants(world)) == {STALE}


async def test_what_was_interrupted_begins_again(world: World) -> None:
    await several_jobs(world)
    await age(world)
    assert await Replanner(PARTITIONS, page_count=2).look(world.eye) == 2
    assert await replan(world) == [0, 2, 0, 0]


async def test_the_ledgers_proof_names_the_release_that_decided(world: World) -> None:
    hourly = job(1, timezone="Europe/Berlin")
    await project(world, changed(hourly), checkpoint(watermark=at(7200), zone_data=USES))
    begin_s = int(START.timestamp())
    window = Window(begin_s, begin_s + 10_801, begin_s + 10_801, begin_s + 20_000.0)
    report = await verify_ledger(world.eye, LedgerQuestion(window, job_id=uuid_of(1)))
    (finding,) = report.findings
    assert (finding.kind, finding.count) == (Kind.MISSING, 3)
    assert f"computed by time zone data 2019a; this proof computes by {tzdata_version()}" in finding.text
