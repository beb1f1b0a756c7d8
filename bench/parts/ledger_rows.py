"""What an execution takes in PostgreSQL: `python -m bench.parts.ledger_rows [--executions 100000]`.

The facts of whole executions, as `bench.lives` has them, are folded and written by the product's own writer into a
private server, in batches as large as the projector's under load; then the server is asked for the bytes of the rows,
of their indexes, and of the write-ahead log that they took.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import asyncpg

from bench.lives import INSTANT, life
from horolog.adapters.servers import PrivatePostgres
from horolog.limits import PROJECTION_BATCH_COUNT_MAX
from horolog.log.port import Record
from projections.connections import connect
from projections.fold import fold
from projections.migrate import migrate
from projections.writer import Writer
from schemas.codec import decode
from schemas.events.executions import ExecutionEvent
from schemas.topics import EXECUTIONS, partition_of

PARTITION_COUNT = 16
TENANT_COUNT, JOB_COUNT = 100, 2000


def facts(execution_count: int) -> Iterator[Record]:
    """The facts of so many executions: all admitted, then all dispatched, and so on, in crowds of a second's."""
    written = [record for record in life() if record.topic == EXECUTIONS.name]
    events = [decode(record.topic, record.headers, record.value) for record in written]
    crowd_count = 1000
    for first in range(0, execution_count, crowd_count):
        for event, record in zip(events, written, strict=True):
            assert isinstance(event, ExecutionEvent)
            for number in range(first, min(first + crowd_count, execution_count)):
                tenant_id = str(uuid5(NAMESPACE_URL, f"tenant {number % TENANT_COUNT}"))
                one = event.model_copy(
                    update={
                        "tenant_id": tenant_id,
                        "job_id": str(uuid5(NAMESPACE_URL, f"job {number % JOB_COUNT}")),
                        "execution_id": str(uuid5(NAMESPACE_URL, f"execution {number}")),
                        "scheduled_for": INSTANT + timedelta(seconds=number // JOB_COUNT),
                    }
                )
                place = partition_of(tenant_id, PARTITION_COUNT)
                yield Record(EXECUTIONS.name, place, 0, one.subject().encode(), one.to_json(), record.headers, 0)


async def measure(dsn: str, execution_count: int) -> None:
    """Write the rows, and print what they take."""
    await migrate(dsn)
    connection = await connect(dsn, "bench")
    try:
        writer = Writer(connection)
        begin = await connection.fetchval("select pg_current_wal_insert_lsn()")
        batch: list[Record] = []
        for record in facts(execution_count):
            batch.append(record)
            if len(batch) == PROJECTION_BATCH_COUNT_MAX:
                await _write(writer, batch)
                batch = []
        await _write(writer, batch)
        await _tell(connection, begin, execution_count)
    finally:
        await connection.close()


async def _write(writer: Writer, batch: Sequence[Record]) -> None:
    folded = fold(batch, PARTITION_COUNT)
    assert not folded.refusals, folded.refusals[0]
    await writer.prepare(folded.changes.executions, INSTANT)
    async with writer.batch({}):
        await writer.write(folded.changes)


async def _tell(connection: asyncpg.Connection, begin: str, execution_count: int) -> None:
    wal = await connection.fetchval("select pg_current_wal_insert_lsn() - $1::pg_lsn", begin)
    sizes = await connection.fetchrow(
        "select sum(pg_table_size(relid)) as rows, sum(pg_indexes_size(relid)) as indexes"
        " from pg_partition_tree('job_executions') where isleaf"
    )
    assert sizes is not None
    counted = await connection.fetchval("select count(*) from job_executions")
    assert counted == execution_count
    print(
        f"{counted:,} executions: {float(sizes['rows']) / counted:.0f} bytes of rows, "
        f"{float(sizes['indexes']) / counted:.0f} of indexes, {float(wal) / counted:.0f} of write-ahead log each"
    )


def main() -> None:
    """Start a server, fill the ledger, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--executions", type=int, default=100_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="horolog-bench-") as name, PrivatePostgres(Path(name) / "postgres") as dsn:
        asyncio.run(measure(dsn, given.executions))


if __name__ == "__main__":
    main()
