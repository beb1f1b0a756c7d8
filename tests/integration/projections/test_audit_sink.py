"""The audit trail on its way to an outside service: complete, in order, and verified by whoever gets it."""

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import Parts
from horolog.cli.roles.projections import run as run_projections
from horolog.domain.audit import CALLS
from horolog.runtime.settings import Settings
from projections.audit_sink.outbox import Outbox, SetBackRefused, chain_states, set_back
from projections.rebuild import rebuild
from tests.integration.projections.audit_sending import sending
from tests.integration.projections.audit_service import OK, SECRET, AuditService, Received, serving
from tests.integration.projections.test_audit import STORY, call
from tests.integration.projections.world import DEADLINE_S, PAUSE_S, StillClock, World, project
from tests.unit.projections.facts import OTHER_TENANT, TENANT

OURS, THEIRS = (TENANT, CALLS), (OTHER_TENANT, CALLS)
BYTES_MAX = 1024 * 1024


@pytest.fixture
async def service() -> AsyncIterator[AuditService]:
    """A service that takes everything."""
    async with serving() as made:
        yield made


@asynccontextmanager
async def in_a_process(dsn: str, url: str, batch_count: int) -> AsyncIterator[Process]:
    """A sink at work in a process of its own."""
    arguments = ("-m", "tests.integration.projections.audit_sending", dsn, url, str(batch_count))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def settled(world: World) -> None:
    """Wait until every position is at its chain's end."""
    async with asyncio.timeout(DEADLINE_S):
        while await chain_states(world.eye, everything=False):
            await asyncio.sleep(PAUSE_S)


async def test_every_entry_of_every_chain_arrives_in_order_and_proves_itself(
    world: World, service: AuditService
) -> None:
    await project(world, *STORY)
    async with sending(world.dsn, service.url, batch_count=2) as sink:
        await service.until(lambda: service.taken_count == len(STORY))
        await project(world, call(6), call(2, OTHER_TENANT))
        await service.until(lambda: service.taken_count == len(STORY) + 2)
        await settled(world)
    assert sink.figure("audit_sink_entries_total", TENANT) == len(STORY)
    assert sink.figure("audit_sink_entries_total", OTHER_TENANT) == 2
    assert (service.problems, service.most_at_once) == ([], 1)
    assert [entry["seq"] for entry in service.taken[OURS]] == [1, 2, 3, 4, 5, 6]
    rows = {row["record_hash"] for row in await world.rows("audit_chain", "record_hash")}
    assert {entry["record_hash"] for entries in service.taken.values() for entry in entries} == rows
    assert len({request.id for request in service.requests}) == len(service.requests)


async def test_a_request_is_signed_and_carries_its_id_and_time(world: World, service: AuditService) -> None:
    await project(world, call(1))
    async with sending(world.dsn, service.url):
        await service.until(lambda: service.taken_count == 1)
    (request,) = service.requests
    assert request.headers["idempotency-key"] == request.headers["webhook-id"] == request.document["batch_id"]
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-signature"].startswith("v1,")
    assert SECRET not in str(request)


async def test_what_was_sent_when_the_sender_was_killed_is_sent_again_as_it_was(
    world: World, service: AuditService
) -> None:
    await project(world, *map(call, range(1, 8)))
    async with in_a_process(world.dsn, service.url, batch_count=2) as process:

        def kill_at_the_second(_: Received) -> str:
            if len(service.requests) == 2:
                process.kill()
            return OK

        service.judge = kill_at_the_second
        await service.until(lambda: service.taken_count == 4)
        await process.wait()
    await project(world, call(8))
    async with sending(world.dsn, service.url, batch_count=3):
        await service.until(lambda: service.taken_count == 8)
    killed, again, *_ = service.requests[1:]
    assert (again.id, again.body) == (killed.id, killed.body)
    assert [request.seqs for request in service.requests] == [[1, 2], [3, 4], [3, 4], [5, 6, 7], [8]]
    assert service.problems == []


async def test_two_processes_are_one_sender_and_the_other_goes_on_when_it_ends(
    world: World, service: AuditService
) -> None:
    await project(world, *map(call, range(1, 21)), *(call(number, OTHER_TENANT) for number in range(1, 21)))
    async with AsyncExitStack() as later:
        async with sending(world.dsn, service.url, batch_count=1) as first:
            await service.until(lambda: service.taken_count > 0)
            second = await later.enter_async_context(sending(world.dsn, service.url, batch_count=1))
            await service.until(lambda: service.taken_count == 40)
            behind = [sink.figure("audit_sink_behind_seconds") for sink in (first, second)]
            assert [figure is None for figure in behind] == [False, True]
        await project(world, call(21))
        await service.until(lambda: service.taken_count == 41)
        assert second.figure("audit_sink_behind_seconds") is not None
    assert (service.problems, service.most_at_once) == ([], 1)
    assert len({request.id for request in service.requests}) == len(service.requests) == 41


async def test_a_sender_that_lost_its_connection_begins_again_by_itself(world: World, service: AuditService) -> None:
    await project(world, *map(call, range(1, 4)))
    service.gate.clear()
    async with sending(world.dsn, service.url, batch_count=2):
        await service.until(lambda: len(service.requests) == 1)
        await world.eye.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'horolog-audit-sink'"
            " and datname = current_database()"
        )
        await service.until(lambda: len(service.requests) == 2)
        service.gate.set()
        await service.until(lambda: service.taken_count == 3)
    lost, again, _ = service.requests
    assert (again.id, again.body) == (lost.id, lost.body)
    assert service.problems == []


async def test_a_chain_with_much_behind_starves_no_other(world: World, service: AuditService) -> None:
    await project(world, *map(call, range(1, 101)), *(call(number, OTHER_TENANT) for number in range(1, 11)))
    async with sending(world.dsn, service.url, batch_count=1):
        await service.until(lambda: service.taken_count == 110)
    order = [request.chain for request in service.requests]
    last_of_theirs = len(order) - order[::-1].index(THEIRS)
    assert last_of_theirs < 40


async def test_built_anew_the_read_models_keep_the_positions_and_nothing_is_sent_twice(
    world: World, service: AuditService
) -> None:
    await project(world, *STORY)
    async with sending(world.dsn, service.url):
        await service.until(lambda: service.taken_count == len(STORY))
        await settled(world)
        before = await world.rows("audit_sink_positions")
        await rebuild(world.log, world.dsn, StillClock())
        assert await world.rows("audit_sink_positions") == before
        await project(world, call(6))
        await service.until(lambda: service.taken_count == len(STORY) + 1)
    assert service.requests[-1].seqs == [6]
    assert service.problems == []


async def test_a_chain_that_is_set_back_is_sent_again_under_other_ids(world: World, service: AuditService) -> None:
    await project(world, *map(call, range(1, 6)))
    async with sending(world.dsn, service.url):
        await service.until(lambda: service.taken_count == 5)
        await settled(world)
        await set_back(world.eye, OURS, 3)
        await service.until(lambda: len(service.requests) == 2)
        await settled(world)
        await set_back(world.eye, OURS, 1)
        await service.until(lambda: len(service.requests) == 3)
    assert [request.seqs for request in service.requests] == [[1, 2, 3, 4, 5], [3, 4, 5], [1, 2, 3, 4, 5]]
    assert len({request.id for request in service.requests}) == 3
    assert service.problems == []


async def test_a_chain_is_never_set_forward(world: World) -> None:
    await project(world, *map(call, range(1, 6)))
    for seq in (2, 6, 7):
        with pytest.raises(SetBackRefused):
            await set_back(world.eye, OURS, seq)
    assert await world.rows("audit_sink_positions") == []


async def test_a_batch_whose_chain_was_set_back_meanwhile_moves_nothing(world: World) -> None:
    await project(world, *map(call, range(1, 6)))
    outbox = Outbox(world.eye, BYTES_MAX)
    batch = await outbox.begin(OURS, 2)
    assert batch is not None
    await set_back(world.eye, OURS, 1)
    assert not await outbox.advance(batch)
    again = await outbox.begin(OURS, 2)
    assert again is not None
    assert (again.last, again.position.round) == (batch.last, 1)
    assert await outbox.advance(again)
    assert not await outbox.advance(again)


async def test_what_is_under_way_stays_the_same_until_it_was_taken(world: World) -> None:
    await project(world, *map(call, range(1, 10)))
    outbox = Outbox(world.eye, BYTES_MAX)
    batches = []
    while (batch := await outbox.begin(OURS, 4)) is not None:
        again = await outbox.begin(OURS, 1)
        assert again is not None
        assert (again.id, again.body) == (batch.id, batch.body)
        batches.append(batch)
        assert await outbox.advance(batch)
    assert [batch.entry_count for batch in batches] == [4, 4, 1]
    assert all(second.position.head == first.last for first, second in pairwise(batches))
    with pytest.raises(asyncpg.CheckViolationError):
        await world.eye.execute("update audit_sink_positions set pending_seq = 1")


async def test_the_role_of_projections_sends_what_it_projects(world: World, service: AuditService) -> None:
    stop = asyncio.Event()
    settings = Settings(home=Path.cwd(), member="a", database_url=world.dsn)
    parts = Parts(settings, world.log, SystemClock(), RandomIds())
    environment = {"HOROLOG_AUDIT_SINK_URL": service.url, "HOROLOG_AUDIT_SINK_SECRET": SECRET}
    running = asyncio.create_task(run_projections(parts, stop, environment))
    await world.write(*STORY)
    await service.until(lambda: service.taken_count == len(STORY))
    stop.set()
    async with asyncio.timeout(DEADLINE_S):
        await running
    assert service.problems == []
