"""Whether the parts that the API depends on answer.

Guarantee: a check takes about a second at most, however many ask at once, and is at most about a second old. What
it tells is about the system, never about a tenant.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from horolog.limits import LEASE_S, OVERDUE_LOOK_INTERVAL_S, OVERDUE_LOOK_S_MAX, OVERDUE_S, OWNER_STALE_S
from horolog.log.port import LogError, Place
from projections.views import AuditSinkView, OwnerView, ReadModelUnavailable
from schemas.http import SERVICE_NAME
from schemas.topics import COMMANDS
from services.api.overdue import Findings
from services.api.patience import within
from services.api.ports import ApiPorts

CHECK_S_MAX = 1.0
KEPT_S = 1.0
NAMED_COUNT_MAX = 20
ROLES = ("dispatcher", "ticker")
_T = TypeVar("_T")
_OWNER_AGE_MAX = timedelta(seconds=OWNER_STALE_S)
_WATERMARK_AGE_MAX = timedelta(seconds=OVERDUE_S)
LOOK_AGE_S_MAX = 2 * (OVERDUE_LOOK_S_MAX + OVERDUE_LOOK_INTERVAL_S)
"""When no look at the schedules was finished for this long, nobody knows whether they fire."""


def is_live(owner: OwnerView, now: datetime) -> bool:
    """Whether the owner has shown a sign of life lately."""
    return now - owner.last_checkpoint_at <= _OWNER_AGE_MAX


def unowned(owners: Sequence[OwnerView], partition_count: int, now: datetime) -> list[tuple[str, int]]:
    """Every role and partition without a live owner."""
    held = {(owner.role, owner.partition) for owner in owners if is_live(owner, now)}
    return [(role, p) for role in ROLES for p in range(partition_count) if (role, p) not in held]


def standing(owners: Sequence[OwnerView], behind: Sequence[int], now: datetime) -> list[int]:
    """The partitions whose ticker's watermark is too old; not where the read models are behind: they do not show it."""
    return [
        owner.partition
        for owner in owners
        if owner.watermark is not None and now - owner.watermark > _WATERMARK_AGE_MAX and owner.partition not in behind
    ]


class HealthCheck:
    """The latest health of the system; asked anew when it is older than a second, by one asker for all."""

    def __init__(self, ports: ApiPorts, port: int) -> None:
        self._ports = ports
        self._port = port
        self._asking = asyncio.Lock()
        self._checked_at = float("-inf")
        self._latest: dict[str, Any] = {}

    async def report(self) -> tuple[bool, Mapping[str, Any]]:
        """Whether the system is healthy, and the body that says so."""
        async with self._asking:
            if self._ports.clock.monotonic() - self._checked_at >= KEPT_S:
                self._latest = await self._check()
                self._checked_at = self._ports.clock.monotonic()
        return self._latest["status"] == "healthy", self._latest

    async def _check(self) -> dict[str, Any]:
        read_model = self._ports.read_model
        now = self._ports.clock.now()
        # All at once, so that a database that does not answer costs a second, and not one for each question.
        (database, log, cache), (owners, workers, jobs, queue, sink) = await asyncio.gather(
            asyncio.gather(
                _answers(read_model.ping),
                _answers(self._ask_log),
                _answers(self._ports.cache_ping) if self._ports.cache_ping else _nothing(),
            ),
            asyncio.gather(
                _answer(read_model.owners),
                _answer(lambda: read_model.workers(now - timedelta(seconds=LEASE_S))),
                _answer(lambda: read_model.job_counts(None)),
                _answer(lambda: read_model.queue(None)),
                _answer(read_model.audit_sink),
            ),
        )
        missing = unowned(owners or (), self._ports.log.partition_count, now)
        absent = {role for role, _ in missing}
        about_schedules = self._schedule_problems(owners or (), now)
        dependencies = {
            "database": _word(database),
            "redis": "disabled" if cache is None else _word(cache),
            "jobQueue": _word(log),
            "distributedLock": _word(not missing),
            "services": {
                "ticker": _word("ticker" not in absent),
                "dispatcher": _word("dispatcher" not in absent),
                "executor": _word(any(worker.state != "stopped" for worker in workers or ())),
            },
            "schedules": _word(not about_schedules),
            "auditSink": "disabled" if sink is None or not sink.chain_count else _word(not sink.held_count),
        }
        return {
            "status": _word(database and log and not missing and not about_schedules),
            "service": SERVICE_NAME,
            "port": self._port,
            "dependencies": dependencies,
            "metrics": {
                "activeJobs": None if jobs is None else jobs.get("active", 0),
                "queueSize": None if queue is None else queue.pending_count,
                "memoryUsage": self._ports.memory_bytes(),
            },
            "problems": [*_part_problems(database, log, missing), *about_schedules, *_sink_problems(sink)],
        }

    def _schedule_problems(self, owners: Sequence[OwnerView], now: datetime) -> list[str]:
        findings = self._ports.schedules.findings
        problems = overdue_problems(findings)
        if still := standing(owners, findings.behind, now):
            problems.append(f"Tickers stand still: their watermark is too old in partitions {_listed(still)}.")
        if findings.behind:
            problems.append(
                f"The read models are behind the log in partitions {_listed(findings.behind)}: "
                "whether schedules are overdue there cannot be told."
            )
        looked_at_s = findings.looked_at_s
        if looked_at_s is not None and self._ports.clock.monotonic() - looked_at_s > LOOK_AGE_S_MAX:
            problems.append("The schedules have not been looked at for too long: whether they fire cannot be told.")
        return problems

    async def _ask_log(self) -> None:
        log = self._ports.log
        await log.ends([Place(COMMANDS.name, partition) for partition in range(log.partition_count)])


def overdue_problems(findings: Findings) -> list[str]:
    """The sentence on what is overdue, in counts; none when nothing is."""
    count, tenants = len(findings.overdue), len(findings.counts)
    if not count:
        return []
    told = f"{count} schedules of {tenants} tenants are" if count > 1 else "1 schedule is"
    return [f"{told} overdue: an instant has come, and nothing tells of it."]


def _part_problems(database: bool, log: bool, missing: Sequence[tuple[str, int]]) -> list[str]:
    problems = [] if database else ["The database does not answer."]
    if not log:
        problems.append("The log does not answer.")
    if database and missing:
        problems.append(f"No live owner: {_listed([f'{role}/{partition}' for role, partition in missing])}.")
    return problems


def _sink_problems(sink: AuditSinkView | None) -> list[str]:
    """What is told, though nothing of the scheduler waits for it: the trail is kept here until it is taken."""
    if sink is None or not sink.held_count:
        return []
    told = f"{sink.held_count} of {sink.chain_count} chains of the audit trail"
    return [f"The outside audit service does not take {told}; `horolog audit sink` shows why."]


def _listed(names: Sequence[object]) -> str:
    more = f" and {len(names) - NAMED_COUNT_MAX} more" if len(names) > NAMED_COUNT_MAX else ""
    return ", ".join(map(str, names[:NAMED_COUNT_MAX])) + more


async def _answers(probe: Callable[[], Awaitable[None]]) -> bool:
    try:
        await within(CHECK_S_MAX, probe())
    except Exception:  # noqa: BLE001 - whatever a probe raises, its part does not answer
        return False
    return True


async def _answer(question: Callable[[], Awaitable[_T]]) -> _T | None:
    try:
        return await within(CHECK_S_MAX, question())
    except (ReadModelUnavailable, LogError, TimeoutError):
        return None


async def _nothing() -> None:
    return None


def _word(good: bool) -> str:
    return "healthy" if good else "unhealthy"
