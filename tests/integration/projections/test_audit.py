"""The audit trail on the real database: chains across batches, the same anew, and every change of them found."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from horolog.domain.audit import CALLS, CHAINS, Fault, first_broken, genesis
from horolog.log.port import Place, Record
from projections.audit import PostgresAudit
from projections.connections import open_pool
from projections.rebuild import rebuild
from projections.verification_audit import AuditCheckpoint, AuditReport, verify_audit
from projections.views import AuditFilter, Cursor
from schemas.events.audit import AuditRecorded
from schemas.events.jobs import JobUpdated
from schemas.topics import AUDIT, partition_of
from tests.integration.projections.world import (
    FaultyLog,
    StillClock,
    World,
    applying,
    catch_up,
    project,
    unread,
    written,
)
from tests.unit.projections.facts import (
    OTHER_TENANT,
    PARTITIONS,
    START,
    TENANT,
    at,
    changed,
    job,
    outgoing,
    tenant_created,
    uuid_of,
)


def call(number: int, tenant_id: str = TENANT, **fields: Any) -> AuditRecorded:
    told = {"tenant_id": tenant_id, "call_id": uuid_of(9000 + number), "at": at(number), "actor": f"user:{number % 2}"}
    asked = {"address": "203.0.113.9", "method": "DELETE", "route": "/x/{id}", "object_id": f"o{number}", "code": "OK"}
    return AuditRecorded.model_validate({**told, **asked, **fields})


STORY = (
    changed(job(), command=1, reason="new"),
    tenant_created(),
    *map(call, range(1, 6)),
    call(1, OTHER_TENANT),
    changed(job(version=2, name="b"), JobUpdated, before=job()),
)


@pytest.fixture
async def audit(world: World) -> AsyncIterator[PostgresAudit]:
    pool = await open_pool(world.dsn, 2)
    yield PostgresAudit(pool)
    await pool.close()


async def told(world: World) -> None:
    """The story, each record in a batch of its own."""
    await world.write(*STORY)
    async with applying(world) as applier:
        while records := await unread(world, applier):
            await applier.apply(records[:1])


async def proved(world: World, *checkpoints: AuditCheckpoint) -> AuditReport:
    return await verify_audit(world.log, world.dsn, checkpoints)


async def test_chains_do_not_depend_on_the_batches_and_are_the_same_anew(world: World, audit: PostgresAudit) -> None:
    await told(world)
    single = await world.rows("audit_chain")
    assert len(single) == len(STORY)
    await rebuild(world.log, world.dsn, StillClock())
    assert await world.rows("audit_chain") == single
    await project(world, call(6))
    links = await audit.entries(TENANT, AuditFilter(chain=CALLS), None, 10)
    assert first_broken(genesis(TENANT, CALLS), links[::-1]) is None
    assert [link.seq for link in links] == [6, 5, 4, 3, 2, 1]


async def test_changes_are_told_with_who_and_the_hashes_before_and_after(world: World, audit: PostgresAudit) -> None:
    await project(world, *STORY)
    second, first = (link.entry for link in await audit.entries(TENANT, AuditFilter(chain="jobs"), None, 10))
    assert (first.actor, first.action, first.reason) == ("user:test", "io.horolog.job.created.v1", "new")
    assert (first.object_id, first.command_id, first.before_hash) == (uuid_of(1), uuid_of(1), None)
    assert first.after_hash == second.before_hash != second.after_hash


async def test_entries_are_found_by_filters_in_pages_and_are_their_tenants_alone(
    world: World, audit: PostgresAudit
) -> None:
    await project(world, *STORY)
    page = await audit.entries(TENANT, AuditFilter(chain=CALLS), None, 3)
    rest = await audit.entries(TENANT, AuditFilter(chain=CALLS), Cursor(page[-1].entry.at, f"calls:{page[-1].seq}"), 3)
    assert [link.seq for link in (*page, *rest)] == [5, 4, 3, 2, 1]
    for where, count in (
        (AuditFilter(actor="user:1", chain=CALLS), 3),
        (AuditFilter(object_id="o2"), 1),
        (AuditFilter(action="DELETE /x/{id}"), 5),
        (AuditFilter(START + timedelta(seconds=2), START + timedelta(seconds=4), chain=CALLS), 2),
    ):
        assert len(await audit.entries(TENANT, where, None, 10)) == count, where
    assert len(await audit.entries(OTHER_TENANT, AuditFilter(), None, 10)) == 1


async def test_a_trail_that_nobody_touched_is_proved(world: World) -> None:
    await project(world, *STORY)
    await world.write(call(7))
    report = await proved(world)
    assert report.findings == []
    assert {chain for tenant, chain in report.heads if tenant == TENANT} == set(CHAINS)
    assert report.heads[TENANT, CALLS].seq == 5
    assert (await proved(world, *report.heads.values())).findings == []
    only = await verify_audit(world.log, world.dsn, (), OTHER_TENANT)
    assert list(only.heads) == [(OTHER_TENANT, CALLS)]


_OURS = f"tenant_id = '{TENANT}' and chain = 'calls'"


@pytest.mark.parametrize(
    ("sql", "seq", "fault"),
    [
        (f"update audit_chain set actor = 'user:9' where {_OURS} and seq = 2", 2, Fault.EDITED),
        (f"update audit_chain set record_hash = 'a' where {_OURS} and seq = 5", 5, Fault.EDITED),
        (f"delete from audit_chain where {_OURS} and seq = 3", 3, Fault.DELETED),
        (f"delete from audit_chain where {_OURS} and seq >= 4", 4, Fault.TRUNCATED),
        (f"update audit_chain set seq = seq + 1000 where {_OURS} and seq = 5", 5, Fault.DELETED),
        (
            f"update audit_chain set seq = -seq where {_OURS} and seq in (2, 4);"
            f" update audit_chain set seq = 6 + seq where {_OURS} and seq < 0",
            2,
            Fault.REORDERED,
        ),
    ],
)
async def test_what_was_done_to_the_rows_is_named(world: World, sql: str, seq: int, fault: Fault) -> None:
    await project(world, *STORY)
    await world.eye.execute(sql)
    (found,) = (await proved(world)).findings
    assert (found.tenant_id, found.chain, found.seq, found.fault) == (TENANT, CALLS, seq, fault)


async def test_a_log_that_was_changed_together_with_the_rows_is_found_by_a_checkpoint(world: World) -> None:
    await project(world, *STORY)
    kept = (await proved(world)).heads[TENANT, CALLS]
    forged = AuditCheckpoint(kept.tenant_id, kept.chain, kept.seq, "f" * 64, kept.at)
    (found,) = (await proved(world, forged)).findings
    assert (found.seq, found.fault) == (kept.seq, Fault.EDITED)
    longer = AuditCheckpoint(kept.tenant_id, kept.chain, kept.seq + 2, kept.record_hash, kept.at)
    (found,) = (await proved(world, longer)).findings
    assert (found.seq, found.fault) == (kept.seq + 1, Fault.TRUNCATED)


async def test_rows_that_the_log_never_told_of_are_found(world: World) -> None:
    await project(world, *STORY)
    row = f"select * from audit_chain where {_OURS} and seq = 5"
    await world.eye.execute(
        f"create temp table one as {row}; update one set seq = 6; insert into audit_chain table one"
    )
    (found,) = (await proved(world)).findings
    assert (found.seq, found.fault) == (6, Fault.ADDED)


async def test_records_that_are_none_of_ours_are_no_entries(world: World) -> None:
    await world.log.append([outgoing(call(1), partition=0), outgoing(call(1), partition=1)])
    async with applying(world) as applier:
        await catch_up(world, applier)
    report = await proved(world)
    assert (report.findings, len(await world.letters())) == ([], 2 - len(report.heads))


@dataclass
class ChangedLog:
    """The log, with somebody's changes of one place; implements `History`."""

    log: FaultyLog
    change: Callable[[list[Record]], list[Record]]

    @property
    def partition_count(self) -> int:
        return PARTITIONS

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return await self.log.starts(places)

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return await self.log.ends(places)

    async def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        records = await written(self.log, place)
        if place == Place(AUDIT.name, partition_of(TENANT, PARTITIONS)):
            records = self.change(records)
        yield [record for record in records if start <= record.offset < end]


def edited(records: list[Record]) -> list[Record]:
    value = (records[1].value or b"").replace(b'"user:0"', b'"user:9"')
    return [records[0], replace(records[1], value=value), *records[2:]]


@pytest.mark.parametrize(
    ("change", "seq", "fault"),
    [
        (edited, 2, Fault.EDITED),
        # Of the rows' view: they hold an entry that the log does not tell of, for whichever of both was changed.
        (lambda records: [records[0], *records[2:]], 2, Fault.ADDED),
        (lambda records: [records[0], records[2], records[1], *records[3:]], 2, Fault.REORDERED),
        (lambda records: records[:3], 4, Fault.ADDED),
    ],
)
async def test_what_was_done_to_the_log_is_named_and_found_without_the_rows_by_a_checkpoint(
    world: World, change: Callable[[list[Record]], list[Record]], seq: int, fault: Fault
) -> None:
    await project(world, *STORY)
    kept = (await proved(world)).heads[TENANT, CALLS]
    changed_log = ChangedLog(world.log, change)
    (found,) = (await verify_audit(changed_log, world.dsn)).findings
    assert (found.tenant_id, found.chain, found.seq, found.fault) == (TENANT, CALLS, seq, fault)
    await rebuild(changed_log, world.dsn, StillClock())
    assert (await verify_audit(changed_log, world.dsn)).findings == []
    (found,) = (await verify_audit(changed_log, world.dsn, [kept])).findings
    # With a record less the chain ends before the checkpoint; else it comes to another hash there.
    by_head = Fault.TRUNCATED if fault is Fault.ADDED else Fault.EDITED
    assert (found.tenant_id, found.chain, found.fault) == (TENANT, CALLS, by_head)
