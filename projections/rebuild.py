"""Building the read models anew from the log, in place or as a copy beside the live ones.

Guarantee: from the same log come the same rows. A projector that runs meanwhile is not disturbed by a copy; in
place, either it or the rebuilding gives way to the other (`PositionsMoved`), and no record is applied twice.
Outcomes and signs of life older than their topics keep are gone after rebuilding in place.
"""

from collections.abc import Mapping

import asyncpg

from horolog.log.port import Log, Place
from horolog.ports import Clock
from projections.applier import Applier
from projections.connections import connect
from projections.fold import SOURCES
from projections.letters import DeadLetters
from projections.migrate import apply_migrations
from projections.partitions import ensure_partitions
from projections.statements import statement
from projections.writer import Writer


async def rebuild(log: Log, dsn: str, clock: Clock) -> None:
    """Empty every read model and apply the whole log, as far as it reaches now.

    Raises:
        PositionsMoved: a projector applies records meanwhile; it goes on alone.
        LogError, or one of `projections.connections.UNAVAILABLE`: what is missing, a projector will apply.
    """
    connection = await connect(dsn, "horolog-rebuild")
    try:
        async with connection.transaction():
            offsets = await connection.fetch("select topic, partition, next from projection_offsets for update")
            told = {Place(row["topic"], row["partition"]): row["next"] for row in offsets}
            await connection.execute(statement("empty_read_models"))
        await _apply_all(log, connection, clock, told)
    finally:
        await connection.close()


async def rebuild_copy(log: Log, dsn: str, clock: Clock, schema: str) -> None:
    """Build the read models a second time, in `schema`; comparing both shows whether the live ones are right.

    The schema is created, or dropped and created again. No dead letters are told: the live projector does that.

    Raises:
        LogError, or one of `projections.connections.UNAVAILABLE`: the copy is incomplete.
    """
    connection = await connect(dsn, "horolog-rebuild", schema)
    try:
        quoted = await connection.fetchval("select quote_ident($1)", schema)
        await connection.execute(f"drop schema if exists {quoted} cascade")
        await connection.execute(f"create schema {quoted}")
        await apply_migrations(connection)
        await _apply_all(log, connection, clock, await log.ends(_places(log)))
    finally:
        await connection.close()


async def _apply_all(log: Log, connection: asyncpg.Connection, clock: Clock, told: Mapping[Place, int]) -> None:
    places = _places(log)
    await ensure_partitions(connection, clock.now())
    writer = Writer(connection)
    positions = await writer.positions(await log.starts(places))
    ends = await log.ends(places)
    applier = Applier(writer, DeadLetters(log, clock, told), clock, log.partition_count, positions)
    for place in places:
        async for records in log.scan(place, positions[place], ends[place]):
            await applier.apply(records)


def _places(log: Log) -> list[Place]:
    return [Place(topic.name, partition) for topic in SOURCES for partition in range(log.partition_count)]
