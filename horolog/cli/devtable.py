"""What `horolog dev` shows: each execution as it ends, and the sum at the end.

A terminal gets a live table of the latest executions; a pipe gets one plain line for each.
"""

import asyncio
import json
import sys
from collections import deque
from datetime import datetime
from typing import Any

import asyncpg
from rich.console import Console
from rich.live import Live
from rich.table import Table

POLL_S = 0.25
SHOWN_COUNT = 20
BATCH_COUNT = 500
SEEN_COUNT_MAX = 4 * BATCH_COUNT
"""How many of those that were shown are remembered: more than one look can find again."""
_FIRST_ID = "00000000-0000-0000-0000-000000000000"

_ENDED = """
select execution.scheduled_at, execution.completed_at, execution.started_at, execution.status, execution.reason,
    coalesce(execution.completed_at, execution.created_at) as ended_at,
    execution.duration_ms, execution.error_code, execution.missed_count, execution.id::text as id,
    coalesce(job.name, execution.job_id::text) as name, coalesce(job.job_type, '') as job_type
from job_executions as execution
left join scheduled_jobs as job on job.id = execution.job_id
where execution.status not in ('pending', 'running')
  and (coalesce(execution.completed_at, execution.created_at), execution.id) > ($1, $2::uuid)
order by coalesce(execution.completed_at, execution.created_at), execution.id
limit $3
"""
_SUMMARY = """
select
    coalesce(sum(coalesce(missed_count, 1)), 0)::int as due,
    count(*) filter (where status in ('completed', 'failed', 'cancelled'))::int as executed,
    count(*) filter (where status = 'failed')::int as failed,
    count(*) filter (where status = 'skipped')::int as skipped,
    coalesce(sum(missed_count) filter (where status = 'missed'), 0)::int as missed,
    count(*) filter (where status in ('pending', 'running'))::int as open,
    percentile_disc(array[0.5, 0.99, 1]) within group (
        order by extract(epoch from started_at - scheduled_at) * 1000
    ) filter (where started_at is not null and attempt = 1) as lateness_ms
from job_executions
where created_at >= $1
  and scheduled_at <= now()
"""


class Follower:
    """Shows what ends. It reads the ledger, so that what it shows is what anybody can query."""

    def __init__(self, dsn: str, since: datetime, as_json: bool) -> None:
        self._dsn = dsn
        self._after = (since, _FIRST_ID)
        self._as_json = as_json
        self._console = Console(stderr=as_json, soft_wrap=True)
        self._latest: deque[asyncpg.Record] = deque(maxlen=SHOWN_COUNT)
        self._seen: dict[str, None] = {}
        self._connection: asyncpg.Connection | None = None
        self._live: Live | None = None

    @property
    def remembered_count(self) -> int:
        """How many of those that were shown would be recognised."""
        return len(self._seen)

    def say(self, line: str) -> None:
        """A line above the table."""
        self._console.print(line, highlight=False, markup=False)

    async def follow(self, stop: asyncio.Event) -> None:
        """Show executions as they end, until stopped."""
        if self._console.is_terminal and not self._as_json:
            self._live = Live(self._table(), console=self._console, auto_refresh=False)
            self._live.start()
        while not stop.is_set():
            await self._show_new()
            waiting = asyncio.ensure_future(stop.wait())
            await asyncio.wait((waiting,), timeout=POLL_S)
            waiting.cancel()

    async def finish(self) -> None:
        """Show what ended last."""
        await self._show_new()
        if self._live is not None:
            self._live.stop()
            self._live = None

    async def close(self) -> None:
        """Release the connection and the terminal."""
        if self._live is not None:
            self._live.stop()
        if self._connection is not None:
            await self._connection.close()

    async def _show_new(self) -> None:
        if self._connection is None:
            self._connection = await asyncpg.connect(self._dsn)
        rows = await self._connection.fetch(_ENDED, *self._after, BATCH_COUNT)
        for row in rows:
            if row["id"] not in self._seen:
                self._seen[row["id"]] = None
                self._show(row)
        for id_ in list(self._seen)[:-SEEN_COUNT_MAX]:
            del self._seen[id_]
        # Until a look is full the next one begins where it did: rows come in somewhat out of order.
        if len(rows) == BATCH_COUNT:
            self._after = (rows[-1]["ended_at"], rows[-1]["id"])
        if self._live is not None:
            self._live.update(self._table(), refresh=True)

    def _show(self, row: asyncpg.Record) -> None:
        self._latest.append(row)
        if self._as_json:
            shown = {name: value for name, value in row.items() if name != "ended_at"}
            sys.stdout.write(json.dumps(shown, default=str) + "\n")
        elif self._live is None:
            self.say("  ".join(_cells(row)))

    def _table(self) -> Table:
        table = Table("due", "job", "type", "status", "late", "took", "why", title="horolog", expand=False)
        for row in reversed(self._latest):
            table.add_row(*(cell.strip() for cell in _cells(row)))
        return table


def _cells(row: asyncpg.Record) -> list[str]:
    late = _ms((row["started_at"] - row["scheduled_at"]).total_seconds() * 1000) if row["started_at"] else "-"
    took = _ms(row["duration_ms"]) if row["duration_ms"] is not None else "-"
    why = str(row["reason"] or row["error_code"] or "")
    due = row["scheduled_at"].astimezone().strftime("%H:%M:%S")
    return [
        due,
        f"{row['name'][:28]:<28}",
        f"{row['job_type']:<8}",
        f"{row['status']:<9}",
        f"{late:>8}",
        f"{took:>8}",
        why,
    ]


def _ms(value: float) -> str:
    return f"{value:.0f} ms"


async def summary(dsn: str, since: datetime, as_json: bool) -> str:
    """What came of everything that was due since `since`, as the ledger has it, in one line."""
    connection = await asyncpg.connect(dsn)
    try:
        row = await connection.fetchrow(_SUMMARY, since)
    finally:
        await connection.close()
    assert row is not None
    late = [float(value) for value in row["lateness_ms"] or (0, 0, 0)]
    counts: dict[str, Any] = {name: row[name] for name in ("due", "executed", "failed", "skipped", "missed", "open")}
    if as_json:
        return json.dumps({**counts, "latenessMs": dict(zip(("p50", "p99", "max"), late, strict=True))})
    still_open = f", still open {counts['open']}" if counts["open"] else ""
    return (
        f"due {counts['due']}, executed {counts['executed']}, failed {counts['failed']}, skipped {counts['skipped']}, "
        f"missed {counts['missed']}{still_open}, "
        f"lateness p50 {late[0]:.0f} ms p99 {late[1]:.0f} ms max {late[2]:.0f} ms"
    )
