"""A real system that is stopped, backed up and restored: it goes on, and its ledger is clean over the whole time."""

from collections import Counter
from pathlib import Path

import pytest

from horolog.adapters.system import SystemClock
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Place, Record
from horolog.verify import Window
from projections.migrate import migrate
from projections.verification_tables import verify_projections
from schemas.base import Message
from schemas.codec import decode
from schemas.events.executions import AttemptDispatched, ExecutionAdmitted
from schemas.events.fires import FireDue
from schemas.topics import EXECUTIONS, FIRES
from tests.e2e.system import PREFIX, command_job, running
from tests.e2e.test_ledger_proof import clean_at_last, completed
from tests.integration.backup.commands import horolog

EVERY_SECOND = "* * * * * *"


async def before(home: Path, dsn: str) -> dict[str, str]:
    """Let two jobs run for some seconds: one that must catch up on what it misses, and one that loses it."""
    bodies = {
        "steady": command_job("true", cronExpression=EVERY_SECOND, maxConcurrent=50, misfire={"policy": "all"}),
        "lossy": command_job("true", cronExpression=EVERY_SECOND, maxConcurrent=50),
    }
    ids: dict[str, str] = {}
    async with running(dsn, log_path=str(home / "log.db")) as system:
        for name, body in bodies.items():
            answer = await system.client.post(f"{PREFIX}/jobs", json={**body, "name": name})
            assert answer.status_code == 201, answer.text
            ids[name] = answer.json()["id"]
        await completed(system, ids["steady"], 4)
    return ids


async def facts(home: Path) -> Counter[tuple[str, str, str]]:
    """How often each fire was emitted, admitted, and each attempt of it handed out."""
    log = EmbeddedLog.open(home / "log.db", SystemClock())
    places = [Place(topic.name, partition) for topic in (FIRES, EXECUTIONS) for partition in range(log.partition_count)]
    found: list[Record] = []
    for place in places:
        async for records in log.scan(place, 0, (await log.ends([place]))[place]):
            found += records
    await log.close()
    told = [fact_of(decode(record.topic, record.headers, record.value)) for record in found]
    return Counter(fact for fact in told if fact is not None)


def fact_of(message: Message) -> tuple[str, str, str] | None:
    """What there may be one of only."""
    match message:
        case FireDue():
            return "due", message.job_id, message.scheduled_for.isoformat()
        case ExecutionAdmitted():
            return "admitted", message.job_id, message.scheduled_for.isoformat()
        case AttemptDispatched():
            return "handed out", message.execution_id, str(message.attempt)
    return None


@pytest.mark.timeout(240)
async def test_restored_system_goes_on_and_nothing_is_lost_or_doubled(
    tmp_path: Path, migrated_database: str, database: str
) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "backup"
    begin_s = int(SystemClock().now().timestamp())
    ids = await before(old, migrated_database)
    code, told = await horolog("backup", "--to", str(file), HOROLOG_HOME=str(old))
    assert code == 0, told
    code, told = await horolog("restore", "--from", str(file), DATABASE_URL=database, HOROLOG_HOME=str(new))
    assert code == 0, told
    await migrate(database)
    async with running(database, log_path=str(new / "log.db")) as system:
        await completed(system, ids["steady"], 12)
        end_s = int(SystemClock().now().timestamp())
        report = await clean_at_last(database, Window(begin_s, end_s, end_s, float(end_s)))
        tables = await verify_projections(system.log, database, SystemClock())
    assert report.job_count == 2
    assert report.owed_count >= 2 * 8
    assert [difference for table in tables for difference in table.differences] == []
    earlier, later = await facts(old), await facts(new)
    assert earlier.keys() < later.keys()
    assert set(later.values()) == {1}
