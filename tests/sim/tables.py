"""The tables of the read models in memory: what the statements under `projections/sql` do to rows, in Python.

Guarantee: the same merges as the SQL, so that the tables are comparable with a fold of the whole log.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import asyncpg

from projections.rows import (
    CARRIES_PROGRESS,
    CARRIES_STATE,
    BegunRow,
    ExecutionRow,
    JobRow,
    JobVersionRow,
    OutcomeRow,
    OwnerRow,
    TenantChangeRow,
    TenantRow,
    WorkerRow,
)

Row = dict[str, Any]

_STATE_COLUMNS = (
    "status",
    "completed_at",
    "duration_ms",
    "blocked_by",
    "reason",
    "result",
    "metadata",
    "error_type",
    "error_code",
    "error_message",
    "error_stack",
    "retry_at",
    "memory_peak_mb",
    "cpu_time_ms",
    "cancelled_by",
)
_AUDIT_COLUMNS = (
    *("tenant_id", "chain", "seq", "at", "actor", "action", "object_id", "outcome", "value_hash", "address"),
    *("command_id", "reason", "before_hash", "after_hash", "previous_hash", "record_hash"),
)


def rows_of(kind: type, columns: Sequence[Sequence[Any] | None]) -> list[Row]:
    """The rows that were handed over on their side; a column without any value is None."""
    names = [column.name for column in fields(kind)]
    count = max(len(column) for column in columns if column is not None)
    whole = [[None] * count if column is None else column for column in columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*whole, strict=True)]


@dataclass(slots=True)
class Tables:
    """All read models. `next` are the positions."""

    next: dict[tuple[str, int], int] = field(default_factory=dict)
    executions: dict[tuple[str, datetime], Row] = field(default_factory=dict)
    jobs: dict[str, Row] = field(default_factory=dict)
    versions: dict[tuple[str, int], Row] = field(default_factory=dict)
    outcomes: dict[str, Row] = field(default_factory=dict)
    workers: dict[str, Row] = field(default_factory=dict)
    owners: dict[tuple[str, int], Row] = field(default_factory=dict)
    tenants: dict[str, Row] = field(default_factory=dict)
    tenant_changes: dict[tuple[str, int], Row] = field(default_factory=dict)
    audit: dict[tuple[str, str, int], Row] = field(default_factory=dict)

    def copy(self) -> "Tables":
        """Another one like it."""
        return deepcopy(self)

    def write(self, statement: str, columns: Sequence[Sequence[Any] | None]) -> None:
        """What the statement of this name does."""
        kind, write = _WRITES[statement]
        for row in rows_of(kind, columns):
            write(self, row)

    def upsert_job(self, row: Row) -> None:
        stored = self.jobs.get(row["id"])
        if stored is None:
            earlier = [e for e in self.executions.values() if e["job_id"] == row["id"] and e["attempt"] > 0]
            last = max((e["scheduled_at"] for e in earlier), default=None)
            self.jobs[row["id"]] = {**row, "execution_count": len(earlier), "last_execution_at": last}
        elif row["version"] > stored["version"]:
            kept = {name: stored[name] for name in ("tenant_id", "created_at", "created_by")}
            self.jobs[row["id"]] = {**stored, **row, **kept}

    def insert_version(self, row: Row) -> None:
        self.versions.setdefault((row["job_id"], row["version"]), row)

    def add_activity(self, row: Row) -> None:
        known = self.executions.get((row["id"], row["scheduled_at"]))
        job = self.jobs.get(row["job_id"])
        if job is None or (known is not None and known["attempt"] > 0):
            return
        job["execution_count"] += 1
        job["last_execution_at"] = max(job["last_execution_at"] or row["scheduled_at"], row["scheduled_at"])

    def upsert_execution(self, row: Row) -> None:
        key = (row["id"], row["scheduled_at"])
        stored = self.executions.get(key)
        if stored is None:
            if row["seq"] > 0:
                self.executions[key] = row
            return
        if not (row["seq"] > stored["seq"] or row["seq"] == 0):
            return
        merged = {
            **stored,
            "seq": max(stored["seq"], row["seq"]),
            "carried": stored["carried"] | row["carried"],
            "attempt": max(stored["attempt"], row["attempt"]),
            "worker_id": row["worker_id"] or stored["worker_id"],
            "started_at": row["started_at"] or stored["started_at"],
            "late_count": stored["late_count"] + row["late_count"],
        }
        if row["carried"] & CARRIES_PROGRESS:
            merged["progress"] = row["progress"]
        if row["carried"] & CARRIES_STATE:
            merged |= {name: row[name] for name in _STATE_COLUMNS}
        self.executions[key] = merged

    def insert_outcome(self, row: Row) -> None:
        self.outcomes.setdefault(row["command_id"], row)

    def upsert_worker(self, row: Row) -> None:
        stored = self.workers.get(row["worker_id"])
        if stored is None or row["last_beat_at"] >= stored["last_beat_at"]:
            self.workers[row["worker_id"]] = row

    def upsert_owner(self, row: Row) -> None:
        key = (row["role"], row["partition"])
        stored = self.owners.get(key)
        if stored is None or row["epoch"] >= stored["epoch"]:
            self.owners[key] = row

    def upsert_tenant(self, row: Row) -> None:
        stored = self.tenants.get(row["tenant_id"])
        if stored is None:
            self.tenants[row["tenant_id"]] = row
        elif row["version"] > stored["version"]:
            kept = {name: stored[name] for name in ("created_at", "created_by")}
            self.tenants[row["tenant_id"]] = {**row, **kept}

    def insert_tenant_change(self, row: Row) -> None:
        self.tenant_changes.setdefault((row["tenant_id"], row["version"]), row)

    def insert_links(self, links: Sequence[Sequence[Any]]) -> None:
        """The next entries of the audit trail's chains."""
        for link in links:
            row = dict(zip(_AUDIT_COLUMNS, link, strict=True))
            key = (row["tenant_id"], row["chain"], row["seq"])
            if key in self.audit:
                raise asyncpg.UniqueViolationError(f"{key} is in its chain already")
            self.audit[key] = row

    def audit_heads(self, tenants: Sequence[str], chains: Sequence[str]) -> list[Row]:
        """The last entry of each of these chains."""
        wanted = set(zip(tenants, chains, strict=True))
        last = {
            (row["tenant_id"], row["chain"]): row
            for row in sorted(self.audit.values(), key=lambda row: row["seq"])
            if (row["tenant_id"], row["chain"]) in wanted
        }
        return list(last.values())


_WRITES = {
    "upsert_jobs": (JobRow, Tables.upsert_job),
    "insert_job_versions": (JobVersionRow, Tables.insert_version),
    "add_job_activity": (BegunRow, Tables.add_activity),
    "upsert_executions": (ExecutionRow, Tables.upsert_execution),
    "insert_outcomes": (OutcomeRow, Tables.insert_outcome),
    "upsert_workers": (WorkerRow, Tables.upsert_worker),
    "upsert_owners": (OwnerRow, Tables.upsert_owner),
    "upsert_tenants": (TenantRow, Tables.upsert_tenant),
    "insert_tenant_changes": (TenantChangeRow, Tables.insert_tenant_change),
}
