"""The ledger of one job, read from PostgreSQL as an auditor would: second by second."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

DEADLINE_S = 90.0
POLL_S = 0.1

_ROWS = """select scheduled_at, status, reason, missed_until, missed_count, started_at, error_code from job_executions
where job_id = $1 order by scheduled_at"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the seconds that it accounts for (epoch), and what became of them."""

    first_s: int
    last_s: int
    status: str
    reason: str | None
    ran: bool
    error_code: str | None

    @property
    def is_account(self) -> bool:
        """Whether the row says what came of its fire: it ran to its end, or why it was missed."""
        return (self.status == "completed" and self.ran) or (self.status == "missed" and self.reason is not None)


async def rows_of(dsn: str, job_id: str) -> Sequence[Row]:
    """Every row of the job."""
    connection = await asyncpg.connect(dsn)
    try:
        return [_row(record) for record in await connection.fetch(_ROWS, job_id)]
    finally:
        await connection.close()


async def accounted_until(dsn: str, job_id: str, instant: datetime) -> Sequence[Row]:
    """The rows up to the instant, once each second since the first row has its account.

    Raises:
        AssertionError: some have none in time, or more than one.
    """
    until_s = int(instant.timestamp())
    rows: Sequence[Row] = ()
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not rows or any(_problems(rows, until_s)):
                await asyncio.sleep(POLL_S)
                rows = [row for row in await rows_of(dsn, job_id) if row.first_s <= until_s]
    except TimeoutError:
        raise AssertionError(f"(holes, doubles, unended): {_problems(rows, until_s)}") from None
    return rows


def _problems(rows: Sequence[Row], until_s: int) -> tuple[list[int], list[int], list[Row]]:
    counts = Counter(second for row in rows for second in range(row.first_s, row.last_s + 1))
    holes = [second for second in range(rows[0].first_s, until_s + 1) if not counts[second]] if rows else []
    doubles = [second for second, count in counts.items() if count > 1]
    return holes, doubles, [row for row in rows if not row.is_account]


def _row(record: asyncpg.Record) -> Row:
    first_s = int(record["scheduled_at"].timestamp())
    last_s = first_s if record["missed_until"] is None else int(record["missed_until"].timestamp())
    assert record["missed_count"] is None or record["missed_count"] == last_s - first_s + 1
    return Row(
        first_s, last_s, record["status"], record["reason"], record["started_at"] is not None, record["error_code"]
    )
