"""The tables that others may build on are there, with the columns that were promised."""

import asyncpg
import pytest

from tests.integration.projections.world import World, project
from tests.unit.projections.facts import checkpoint

PROMISED = {
    "scheduled_jobs": {
        *("id", "tenant_id", "name", "description", "cron_expression", "timezone", "job_type", "config"),
        *(
            "status",
            "priority",
            "max_executions",
            "execution_count",
            "max_concurrent",
            "retry_config",
            "timeout_seconds",
        ),
        *("start_date", "end_date", "last_execution_at", "next_execution_at", "created_by", "created_at", "updated_at"),
        "tags",
    },
    "job_executions": {
        *("id", "job_id", "tenant_id", "execution_id", "status", "trigger_type", "scheduled_at", "started_at"),
        *("completed_at", "duration_ms", "result", "error_message", "error_stack", "retry_count", "worker_id"),
        *("memory_peak_mb", "cpu_time_ms", "triggered_by", "progress", "created_at"),
    },
    "scheduler_locks": {"lock_key", "locked_by", "locked_at", "expires_at", "metadata"},
}
_COLUMNS = """
select table_name::text as name, array_agg(column_name::text) as columns from information_schema.columns
where table_schema = current_schema() and table_name = any ($1::text[]) group by 1
"""


async def test_promised_tables_have_the_promised_columns(world: World) -> None:
    rows = await world.eye.fetch(_COLUMNS, list(PROMISED))
    found = {row["name"]: set(row["columns"]) for row in rows}
    assert {name: columns - found.get(name, set()) for name, columns in PROMISED.items()} == {
        name: set() for name in PROMISED
    }


@pytest.mark.parametrize(
    "statement",
    [
        "delete from scheduler_locks",
        "update scheduler_locks set locked_by = 'me'",
        "insert into scheduler_locks (locked_by, locked_at) values ('me', now())",
    ],
)
async def test_nobody_takes_or_frees_a_partition_through_the_table_of_locks(world: World, statement: str) -> None:
    await project(world, checkpoint())
    before = await world.eye.fetch("select * from scheduler_locks")
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="automatically updatable"):
        await world.eye.execute(statement)
    assert await world.eye.fetch("select * from scheduler_locks") == before
    assert len(before) == 1
