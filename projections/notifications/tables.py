"""What the consumer of facts keeps, read and written through one connection inside its transaction.

Guarantee: nothing here commits. Rules that were read stay until the transaction ends, so that what refers to them can
be kept. What a tenant's facts change is changed by one transaction at a time: `projections.writer` locks its partition.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import asyncpg

from horolog.domain.notifications.facts import Fact, Group, KnownJob, KnownTenant, Throttle
from horolog.domain.notifications.fold import Made, Memory
from horolog.domain.notifications.messages import document_of
from horolog.domain.notifications.rules import ChannelType, Kind, Pace, Rule, Scope
from projections.statements import statement
from schemas.topics import partition_of

SCHEMA = "notifications"
_INSTANTS = ("at", "scheduled_for", "missed_until")


async def rules_of(connection: asyncpg.Connection, tenant_ids: Iterable[str]) -> dict[str, list[Rule]]:
    """The rules by tenant; a tenant without any is not named."""
    return _by_tenant(await _fetch(connection, "rules_of_tenants", sorted(set(tenant_ids))))


async def tenants_known(connection: asyncpg.Connection, tenant_ids: Iterable[str]) -> dict[str, KnownTenant]:
    """What is known of the tenants."""
    rows = await _fetch(connection, "tenants_known", sorted(set(tenant_ids)))
    return {row["tenant_id"]: KnownTenant(**row) for row in rows}


async def remembered(
    connection: asyncpg.Connection, rules: Mapping[str, Sequence[Rule]], job_ids: Iterable[str]
) -> Memory:
    """What is known to these rules about these jobs, and about the tenants themselves."""
    wanted = sorted({job_id for job_id in job_ids if job_id})
    rule_ids = [rule.id for held in rules.values() for rule in held]
    jobs = [KnownJob(**row) for row in await _fetch(connection, "jobs_known", wanted)] if wanted else []
    if not rule_ids:
        return Memory(rules, {job.job_id: job for job in jobs})
    groups = [_group(row) for row in await _fetch(connection, "groups_of_rules", rule_ids, ["", *wanted])]
    return Memory(
        rules,
        {job.job_id: job for job in jobs},
        {(group.rule_id, group.subject): group for group in groups},
        await _throttles(connection, rule_ids),
    )


async def closing(
    connection: asyncpg.Connection, now: datetime, partitions: Sequence[int], count_max: int
) -> Memory | None:
    """The groups of these partitions whose time is over, with all that telling them takes; None for none."""
    groups = [_group(row) for row in await _fetch(connection, "groups_to_close", now, list(partitions), count_max)]
    if not groups:
        return None
    rules = _by_tenant(await _fetch(connection, "rules_by_id", sorted({group.rule_id for group in groups})))
    subjects = sorted({group.subject for group in groups if group.subject})
    jobs = [KnownJob(**row) for row in await _fetch(connection, "jobs_known", subjects)]
    return Memory(
        rules,
        {job.job_id: job for job in jobs},
        {(group.rule_id, group.subject): group for group in groups},
        await _throttles(connection, [rule.id for held in rules.values() for rule in held]),
    )


def learn(memory: Memory, jobs: Mapping[str, KnownJob]) -> None:
    """Take note of what changes say of jobs; how a job does stays known."""
    for job in jobs.values():
        known = memory.jobs.get(job.job_id)
        if known is None or job.version > known.version:
            memory.jobs[job.job_id] = replace(job, is_failing=known is not None and known.is_failing)
            memory.changed_jobs.add(job.job_id)


async def keep(connection: asyncpg.Connection, memory: Memory, partition_count: int, now: datetime) -> None:
    """Write what the memory has changed, and the deliveries that it has made."""
    jobs = [memory.jobs[job_id] for job_id in sorted(memory.changed_jobs)]
    job_rows = [(job.job_id, job.tenant_id, job.name, list(job.tags), job.version, job.is_failing) for job in jobs]
    await _write(connection, "keep_jobs", job_rows)
    # First what is forgotten: a group that has ended may have been followed by another.
    await _write(connection, "forget_groups", sorted(memory.closed_groups))
    groups = [memory.groups[key] for key in sorted(memory.changed_groups)]
    await _write(connection, "keep_groups", [_group_row(group, partition_count) for group in groups])
    tenant_of = {rule.id: rule.tenant_id for held in memory.rules.values() for rule in held}
    throttles = [memory.throttles[rule_id] for rule_id in sorted(memory.changed_throttles)]
    throttle_rows = [(t.rule_id, tenant_of[t.rule_id], t.since, t.made_count, t.dropped_count) for t in throttles]
    await _write(connection, "keep_throttles", throttle_rows)
    await _write(connection, "insert_deliveries", [_delivery_row(made, memory.jobs, now) for made in memory.made])


async def keep_tenants(connection: asyncpg.Connection, tenants: Sequence[KnownTenant]) -> None:
    """Write what is known of tenants; the latest version stays."""
    rows = [(t.tenant_id, t.version, t.is_suspended, t.changed_at, list(t.http_allowed)) for t in tenants]
    await _write(connection, "keep_tenants", rows)


def rule_of(row: Mapping[str, Any]) -> Rule:
    """The rule of a row."""
    return Rule(
        id=row["id"],
        tenant_id=row["tenant_id"],
        name=row["name"],
        kinds=frozenset(map(Kind, row["kinds"])),
        scope=Scope(tuple(row["job_ids"]), tuple(row["tags"])),
        pace=Pace(row["group_s"], row["throttle_count"], row["throttle_s"]),
        late_s=row["late_s"],
        enabled=row["enabled"],
        channel=ChannelType(row["channel"]),
        since=row["since"],
    )


async def _throttles(connection: asyncpg.Connection, rule_ids: Sequence[str]) -> dict[str, Throttle]:
    rows = await _fetch(connection, "throttles_of_rules", list(rule_ids))
    return {row["rule_id"]: Throttle(**row) for row in rows}


def _by_tenant(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for row in rows:
        found.setdefault(row["tenant_id"], []).append(rule_of(row))
    return found


def _group(row: Mapping[str, Any]) -> Group:
    counts = {Kind(kind): count for kind, count in json.loads(row["counts"]).items()}
    last = None if row["last"] is None else _fact(json.loads(row["last"]))
    return Group(**{**row, "counts": counts, "last": last})


def _group_row(group: Group, partition_count: int) -> tuple[Any, ...]:
    last = None if group.last is None else json.dumps(asdict(group.last), default=datetime.isoformat)
    home = partition_of(group.tenant_id, partition_count)
    told = json.dumps(dict(group.counts))
    return group.rule_id, group.subject, group.tenant_id, home, group.closes_at, told, group.first_at, last


def _fact(told: dict[str, Any]) -> Fact:
    instants = {name: datetime.fromisoformat(told[name]) for name in _INSTANTS if told[name] is not None}
    return Fact(**{**told, **instants, "kind": Kind(told["kind"])})


def _delivery_row(made: Made, jobs: Mapping[str, KnownJob], now: datetime) -> tuple[Any, ...]:
    rule, fact = made.rule, made.last
    document = document_of(made, jobs.get(fact.subject))
    return (
        *(made.id, rule.tenant_id, rule.id, rule.name, rule.channel.value, fact.job_id, fact.kind.value),
        *(made.count, made.dropped_count, document, now),
    )


async def _fetch(connection: asyncpg.Connection, name: str, *arguments: Any) -> Sequence[Mapping[str, Any]]:
    return [dict(row) for row in await connection.fetch(statement(f"notifications/{name}"), *arguments)]


async def _write(connection: asyncpg.Connection, name: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        await connection.executemany(statement(f"notifications/{name}"), rows)
