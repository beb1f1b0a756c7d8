"""S18, S19: the read models are the fold of the log, however often projectors died on the way."""

from collections.abc import Iterator, Sequence
from dataclasses import fields

from horolog.domain.audit import genesis, linked
from horolog.log.port import Record
from projections.audit_rows import row_of
from projections.fold import SOURCES, fold
from projections.rows import (
    BegunRow,
    ExecutionRow,
    JobRow,
    JobVersionRow,
    OutcomeRow,
    OwnerRow,
    TenantChangeRow,
    TenantRow,
    WorkerRow,
    columns,
)
from schemas.events.executions import LateResultRecorded
from tests.sim.history import History
from tests.sim.tables import Row, Tables

_POSITIONS = frozenset({"advance_positions", "claim_positions", "skip_positions"})
_STATUS_OF_TYPE = {
    "admitted": "pending",
    "retry-scheduled": "pending",
    "started": "running",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "skipped": "skipped",
    "missed": "missed",
}


def read_models_are_the_fold_of_the_log(history: History) -> Iterator[str]:
    """Built anew from the whole log at once, they come to the same; and each row says what the ledger says."""
    names = {topic.name for topic in SOURCES}
    anew = Tables()
    for place, records in history.records.items():
        if place.topic in names:
            position = history.tables.next.get((place.topic, place.partition), 0)
            _apply(anew, history.plan.partition_count, [record for record in records if record.offset < position])
    for name in (field.name for field in fields(Tables) if field.name != "next"):
        live, folded = getattr(history.tables, name), getattr(anew, name)
        for key in sorted(live.keys() | folded.keys(), key=repr):
            if live.get(key) != folded.get(key):
                yield f"{name} {key}: {_difference(live.get(key), folded.get(key))}"
    yield from _wrong_rows(history)


def _apply(tables: Tables, partition_count: int, records: Sequence[Record]) -> None:
    changes = fold(records, partition_count).changes
    parts = (
        ("upsert_jobs", JobRow, changes.jobs),
        ("insert_job_versions", JobVersionRow, changes.versions),
        ("add_job_activity", BegunRow, changes.begun),
        ("upsert_executions", ExecutionRow, changes.executions),
        ("insert_outcomes", OutcomeRow, changes.outcomes),
        ("upsert_workers", WorkerRow, changes.workers),
        ("upsert_owners", OwnerRow, changes.owners),
        ("upsert_tenants", TenantRow, changes.tenants),
        ("insert_tenant_changes", TenantChangeRow, changes.tenant_changes),
    )
    for name, row, rows in parts:
        if rows:
            tables.write(name, columns(row, rows))
    for chain in {(entry.tenant_id, entry.chain) for entry in changes.audit}:
        entries = [entry for entry in changes.audit if (entry.tenant_id, entry.chain) == chain]
        tables.insert_links([row_of(link) for link in linked(genesis(*chain), entries)])


def rows_and_positions_move_together(history: History) -> Iterator[str]:
    """S19: whatever transaction wrote rows moved the positions past the records that they came from."""
    for commit in history.database_commits:
        rows = commit.statements - _POSITIONS
        if rows and "advance_positions" not in commit.statements:
            yield f"{commit.process} committed {', '.join(sorted(rows))} alone at {commit.at:.3f} s"


def _difference(live: Row | None, folded: Row | None) -> str:
    if live is None or folded is None:
        return "the row is missing" if live is None else "the row is not in the log"
    different = {name for name in live.keys() | folded.keys() if live.get(name) != folded.get(name)}
    return ", ".join(f"{name} is {live.get(name)!r}, not {folded.get(name)!r}" for name in sorted(different))


def _wrong_rows(history: History) -> Iterator[str]:
    """An independent reading: the last event that decides a status, and how many reports came late."""
    rows = {row["id"]: row for row in history.tables.executions.values()}
    for execution_id, facts in history.events_of.items():
        if facts[-1].offset >= history.tables.next.get((facts[-1].place.topic, facts[-1].place.partition), 0):
            continue  # not projected yet; whether that may be is another question
        row = rows.get(execution_id)
        if row is None:
            yield f"{execution_id} has no row"
            continue
        types = [fact.message.TYPE.split(".")[3] for fact in facts]
        status = [_STATUS_OF_TYPE[type_] for type_ in types if type_ in _STATUS_OF_TYPE][-1]
        late_count = sum(isinstance(fact.message, LateResultRecorded) for fact in facts)
        if (row["status"], row["late_count"]) != (status, late_count):
            yield f"{execution_id} is {row['status']} with {row['late_count']} late reports, not {status}, {late_count}"
