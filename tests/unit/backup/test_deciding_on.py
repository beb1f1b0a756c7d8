"""Owners decide on a restored log what they would have decided on the old one, hours later as well."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from horolog.backup.restoring import restore
from horolog.log.checkpoints import newest_checkpoint
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.owner import Partition, Role
from horolog.log.port import Outgoing, Place, Record
from schemas.base import Message
from schemas.codec import decode
from schemas.events.executions import ExecutionCompleted
from schemas.events.fires import FireDue, FireMissed
from schemas.events.jobs import JobTabled
from schemas.topics import COMMANDS, FIRES, JOB_TABLE, RESULTS
from services.dispatcher.dispatcher import DispatcherRole
from services.dispatcher.partition import DispatcherPartition
from services.ticker.ticker import TickerRole
from tests.unit.backup.test_sealing import KEY
from tests.unit.backup.world import OddLog, archived, empty
from tests.unit.projections.facts import HOME, START, TENANT, admitted, at, checkpoint, event, job, outgoing, uuid_of

LATER = START + timedelta(hours=5)


def tabled(version: int, cron: str) -> JobTabled:
    known = job(1, version, cron_expression=cron)
    return JobTabled(tenant_id=TENANT, job=known.model_copy(update={"schedule_version": version}))


def due(number: int) -> FireDue:
    return FireDue(
        tenant_id=TENANT,
        job_id=uuid_of(1),
        fire_id=uuid_of(1000 + number),
        scheduled_for=at(number),
        schedule_version=1,
        emitted_at=START,
    )


async def stopped() -> EmbeddedLog:
    """A system at rest: an execution that has ended, two that have not, a fire and a change that nobody has read."""
    log = await empty()
    await log.append([outgoing(tabled(1, "0 */10 * * * *")), outgoing(due(1)), outgoing(due(2)), outgoing(due(3))])
    await log.append([outgoing(admitted(number)) for number in range(1, 4)])
    await log.append(
        [outgoing(event(ExecutionCompleted, 1, 2, attempt=1, worker_id="w", started_at=at(1), completed_at=at(1)))]
    )
    positions = {COMMANDS.name: 0, FIRES.name: 3, RESULTS.name: 0}
    owner = checkpoint(5, role="dispatcher", positions=positions, replay_from=1)
    await log.append([outgoing(checkpoint(4, positions={JOB_TABLE.name: 1}, watermark=START)), outgoing(owner)])
    await log.append([outgoing(due(4)), outgoing(tabled(2, "0 */7 * * * *"))])
    return log


async def restored(source: EmbeddedLog) -> EmbeddedLog:
    target = await empty(OddLog)
    await restore(target, (await archived(source))[0], KEY)
    return target


async def unread(log: EmbeddedLog, positions: Mapping[str, int]) -> Sequence[Record]:
    found: list[Record] = []
    for place, position in [(Place(topic, HOME), position) for topic, position in positions.items()]:
        async for records in log.scan(place, position, (await log.ends([place]))[place]):
            found += records
    return found


async def taken(log: EmbeddedLog, role: Role) -> tuple[Partition, Sequence[Record]]:
    """The partition as the role's next owner has it hours later, and what it has to read first."""
    state, positions = await role.rebuild(log, HOME, await newest_checkpoint(log, role.name, HOME), LATER)
    return state, await unread(log, positions)


def told(outputs: Sequence[Outgoing]) -> list[Message]:
    return [decode(output.topic, output.headers, output.value) for output in outputs]


async def test_ticker_owes_the_same_fires() -> None:
    source = await stopped()
    decided = []
    for log in (source, await restored(source)):
        state, records = await taken(log, TickerRole())
        assert len(records) == 1
        decided.append(told(state.turn(records, LATER).outputs))
    assert decided[0] == decided[1]
    assert {type(message) for message in decided[0]} == {FireDue, FireMissed}


async def test_dispatcher_has_the_same_book_and_decides_the_same() -> None:
    source = await stopped()
    books, decided = [], []
    for log in (source, await restored(source)):
        state, records = await taken(log, DispatcherRole())
        assert isinstance(state, DispatcherPartition)
        assert len(records) == 1
        books.append({id_: replace(one, log_mark=0) for id_, one in state.book.executions.items()})
        decided.append(told(state.turn(records, LATER).outputs))
    assert books[0] == books[1]
    assert books[0].keys() == {uuid_of(1002), uuid_of(1003)}
    assert decided[0] == decided[1] != []
