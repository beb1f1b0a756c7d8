"""What becomes of the audit trail when the service is away, asks for patience, or refuses."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from horolog.domain.audit import CALLS
from tests.integration.projections.audit_sending import QUICK, Sending, sending
from tests.integration.projections.audit_service import OK, AuditService, Received, serving
from tests.integration.projections.test_audit import STORY, call
from tests.integration.projections.world import DEADLINE_S, PAUSE_S, World, project
from tests.unit.projections.facts import OTHER_TENANT, TENANT

THEIRS = (OTHER_TENANT, CALLS)
NEVER_S = 3600.0


@pytest.fixture
async def service() -> AsyncIterator[AuditService]:
    """A service that takes everything."""
    async with serving() as made:
        yield made


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(PAUSE_S)


def failures(sink: Sending, code: str, tenant: str = TENANT) -> float:
    return sink.figure("audit_sink_failures_total", tenant, code) or 0


def refusing(tenant: str, status: str) -> Callable[[Received], str]:
    """A judge that refuses the batches of one tenant."""
    return lambda received: status if received.chain[0] == tenant else OK


async def test_500_then_429_then_200_is_one_batch_three_times_and_no_sooner_than_asked(
    world: World, service: AuditService
) -> None:
    await project(world, *map(call, range(1, 4)))
    service.script.extend(["500 Oh", "429 Slow\r\nretry-after: 1"])
    async with sending(world.dsn, service.url) as sink:
        await service.until(lambda: service.taken_count == 3)
        assert (failures(sink, "500"), failures(sink, "429")) == (1, 1)
    first, second, third = service.requests
    assert {first.id, second.id, third.id} == {first.id}
    assert first.body == second.body == third.body
    assert int(third.headers["webhook-timestamp"]) - int(second.headers["webhook-timestamp"]) >= 1
    assert service.problems == []


async def test_a_service_that_is_away_loses_nothing_and_the_projector_goes_on(world: World) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    await project(world, *STORY)
    async with sending(world.dsn, f"http://127.0.0.1:{port}/batches") as sink:
        await until(lambda: failures(sink, "UNREACHABLE") >= 2)
        await project(world, call(6))
        await until(lambda: sink.figure("audit_sink_waiting_entries", TENANT) == len(STORY))
        assert sink.figure("audit_sink_behind_seconds") is not None
        async with serving(port) as service:
            await service.until(lambda: service.taken_count == len(STORY) + 1)
            assert service.problems == []
            await until(lambda: sink.figure("audit_sink_behind_seconds") == 0)


async def test_a_service_that_does_not_answer_is_given_up_in_time(world: World, service: AuditService) -> None:
    await project(world, call(1))
    service.gate.clear()
    async with sending(world.dsn, service.url, answer_s_max=0.05) as sink:
        await until(lambda: failures(sink, "TIMEOUT") >= 1)
        service.gate.set()
        await service.until(lambda: service.taken_count == 1)
    assert len({request.id for request in service.requests}) == 1


@pytest.mark.parametrize("status", ["400 No", "401 Who", "404 Where", "413 Much", "302 There\r\nlocation: /else"])
async def test_a_refusal_holds_its_chain_and_is_told_while_the_others_go_on(
    world: World, service: AuditService, caplog: pytest.LogCaptureFixture, status: str
) -> None:
    await project(world, *STORY)
    service.judge = refusing(OTHER_TENANT, status)
    patient = replace(QUICK, held_s=NEVER_S)
    async with sending(world.dsn, service.url, batch_count=1, pauses=patient) as sink:
        await service.until(lambda: service.taken_count == len(STORY) - 1)
        await until(lambda: sink.figure("audit_sink_held_chains", OTHER_TENANT) == 1)
        assert failures(sink, status[:3], OTHER_TENANT) == 1
    (told,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert (vars(told)["tenant_id"], vars(told)["status"]) == (OTHER_TENANT, status[:3])
    assert "words of the service" not in caplog.text
    (row,) = await world.eye.fetch("select * from audit_sink_positions where trouble is not null")
    assert (str(row["tenant_id"]), row["trouble"], row["seq"]) == (OTHER_TENANT, status[:3], 0)


async def test_a_held_chain_is_tried_again_and_goes_on_where_it_was(world: World, service: AuditService) -> None:
    await project(world, call(1, OTHER_TENANT), call(2, OTHER_TENANT))
    service.judge = refusing(OTHER_TENANT, "422 No")
    async with sending(world.dsn, service.url, batch_count=1) as sink:
        await until(lambda: failures(sink, "422", OTHER_TENANT) >= 2)
        service.judge = lambda _: OK
        await service.until(lambda: service.taken_count == 2)
        await until(lambda: sink.figure("audit_sink_held_chains", OTHER_TENANT) is None)
    assert [entry["seq"] for entry in service.taken[THEIRS]] == [1, 2]
    assert await world.rows("audit_sink_positions", "trouble") == [{"trouble": None}]


async def test_a_trail_that_was_changed_is_not_sent_and_the_others_are(
    world: World, service: AuditService, caplog: pytest.LogCaptureFixture
) -> None:
    await project(world, *STORY)
    await world.eye.execute(
        "update audit_chain set actor = 'user:9' where tenant_id = $1 and chain = $2 and seq = 3", TENANT, CALLS
    )
    async with sending(world.dsn, service.url, batch_count=2, pauses=replace(QUICK, held_s=NEVER_S)) as sink:
        await until(lambda: failures(sink, "CHAIN_BROKEN") == 1)
        await service.until(lambda: service.taken_count == len(STORY) - 3)
    assert [entry["seq"] for entry in service.taken[TENANT, CALLS]] == [1, 2]
    assert "entry 3 does not follow" in caplog.text
    assert service.problems == []


async def test_without_its_database_the_sink_waits_and_ends_when_it_is_told(service: AuditService) -> None:
    async with sending("postgresql://nobody@127.0.0.1:1/nothing", service.url) as sink:
        await asyncio.sleep(0)
        assert sink.sink.counters.failures == 0
    assert service.requests == []
