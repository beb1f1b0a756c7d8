"""The calls that became no command, on their way to the topic `audit.v1`.

Guarantee: no call waits for it or fails because of it. What cannot be told, because too much waits or the log does not
take it, is counted: a record among the next that are written says how many, for each tenant, and so does a metric.
What nobody in particular does, and what is refused for coming too often, is told a few times a second and else
counted, so that a flood of it neither fills the log nor pushes others out.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from horolog.limits import AUDIT_BATCH_COUNT_MAX, AUDIT_FLOOD_COUNT_PER_S, AUDIT_WAITING_COUNT_MAX, AUDIT_WRITE_S_MAX
from horolog.log.port import Log, LogError, Outgoing
from horolog.ports import Clock, Ids
from schemas.codec import headers_of
from schemas.events.audit import AuditRecorded
from schemas.events.workers import SYSTEM_TENANT
from schemas.topics import AUDIT, partition_of
from services.api.calls import DONE, Call, method_of, object_of, route_of
from services.api.ports import Principal

SOURCE = "horolog/api"
DROPPED = "RECORDS_DROPPED"
_LOG = logging.getLogger("horolog.api")


class CallJournal:
    """One per process; `run` writes what is noted until `close`. `dropped` hears of every record that is not told."""

    def __init__(
        self,
        log: Log,
        clock: Clock,
        ids: Ids,
        dropped: Callable[[], None],
        waiting_count_max: int = AUDIT_WAITING_COUNT_MAX,
    ) -> None:
        self._log = log
        self._clock = clock
        self._ids = ids
        self._on_dropped = dropped
        self._waiting_count_max = waiting_count_max
        self._waiting: deque[AuditRecorded] = deque()
        self._dropped: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._is_closed = False
        self._second = 0
        self._told_in_second = 0

    def note(self, scope: Mapping[str, Any], call: Call, status: int, caller: Principal | None) -> None:
        """Take note of a call that has ended; returns at once."""
        who = call.caller or caller
        tenant_id = call.tenant_id or (who.tenant_id if who else "") or SYSTEM_TENANT
        is_flood = (who is None or status == 429) and not self._has_room_in_second()
        if is_flood or len(self._waiting) >= self._waiting_count_max:
            self._drop(tenant_id)
        else:
            self._waiting.append(self._record(scope, call, status, (who, tenant_id)))
            self._news.set()

    async def run(self) -> None:
        """Write what is noted, until closed and everything is written or given up."""
        while not self._is_closed or self._waiting:
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
            if self._waiting:
                await self._write()
        if self._dropped:
            await self._write()

    async def close(self, running: "asyncio.Task[None]") -> None:
        """Let `run` end after what waits, within a bounded time."""
        self._is_closed = True
        self._news.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(running, 2 * AUDIT_WRITE_S_MAX)

    def _record(
        self, scope: Mapping[str, Any], call: Call, status: int, owner: tuple[Principal | None, str]
    ) -> AuditRecorded:
        who, tenant_id = owner
        return AuditRecorded(
            tenant_id=tenant_id,
            call_id=self._ids.new(),
            at=self._clock.now(),
            actor=who.actor if who else "anonymous",
            address=scope["client_address"],
            method=method_of(scope),
            route=route_of(scope),
            object_id=object_of(scope),
            code=call.code or (DONE if status < 400 else str(status)),
            status=status,
            command_id=call.command_id,
        )

    async def _write(self) -> None:
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), AUDIT_BATCH_COUNT_MAX))]
        counts, self._dropped = self._dropped, Counter()
        told = [self._count(tenant_id, count) for tenant_id, count in counts.items()]
        try:
            async with asyncio.timeout(AUDIT_WRITE_S_MAX):
                await self._log.append([outgoing(record, self._log.partition_count) for record in (*taken, *told)])
        except (LogError, TimeoutError) as error:
            _LOG.warning("%s calls are not in the audit trail: %s", len(taken), error)
            self._give_up(taken, counts)
        except Exception:  # noqa: BLE001 - logged; a defect must not end the trail for good, nor without a word
            _LOG.exception("%s calls are not in the audit trail", len(taken))
            self._give_up(taken, counts)

    def _give_up(self, taken: Sequence[AuditRecorded], counts: Counter[str]) -> None:
        self._dropped += counts
        for record in taken:
            self._drop(record.tenant_id)

    def _count(self, tenant_id: str, count: int) -> AuditRecorded:
        return AuditRecorded(
            tenant_id=tenant_id,
            call_id=self._ids.new(),
            at=self._clock.now(),
            actor="system:api",
            address="",
            method="",
            route="",
            code=DROPPED,
            dropped_count=count,
        )

    def _drop(self, tenant_id: str) -> None:
        self._dropped[tenant_id] += 1
        self._on_dropped()

    def _has_room_in_second(self) -> bool:
        second = int(self._clock.monotonic())
        if second != self._second:
            self._second, self._told_in_second = second, 0
        self._told_in_second += 1
        return self._told_in_second <= AUDIT_FLOOD_COUNT_PER_S


def outgoing(record: AuditRecorded, partition_count: int) -> Outgoing:
    """The record, on its way to its topic."""
    return Outgoing(
        topic=AUDIT.name,
        partition=partition_of(record.tenant_id, partition_count),
        key=record.tenant_id.encode(),
        value=record.to_json(),
        headers=headers_of(record, SOURCE, record.at),
    )
