"""Rules and deliveries as the API manages them, behind the walls between tenants (`projections.walls`).

Guarantee: one tenant's rows only, within a bounded time; a database that does not answer is reported as
`ReadModelUnavailable`. Implements `services.api.notification_store.NotificationStore`, which it need not know.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from horolog.domain.notifications.deliveries import Delivery, DeliveryFilter
from horolog.domain.notifications.rules import KeptRule, Kind
from projections.notifications.tables import rule_of
from projections.statements import statement
from projections.views import Cursor
from projections.walls import Walls


class PostgresNotifications:
    """Asks through a pool of `projections.connections.open_pool`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._walls = Walls(pool)

    async def rules(self, tenant_id: str, after: Cursor | None, limit: int) -> Sequence[KeptRule]:
        return await self._rules(tenant_id, after, None, limit)

    async def rule(self, tenant_id: str, rule_id: str) -> KeptRule | None:
        found = await self._rules(tenant_id, None, rule_id, 1)
        return found[0] if found else None

    async def add_rule(self, kept: KeptRule, count_max: int) -> bool:
        rule, version = kept.rule, (kept.version, kept.created_by, kept.created_at, kept.updated_at)
        values = (*_values(kept), rule.since, kept.sealed_target, *version, count_max)
        return await self._changed(rule.tenant_id, "insert_rule", *values)

    async def replace_rule(self, kept: KeptRule) -> bool:
        rule = kept.rule
        values = (*_values(kept), kept.sealed_target, kept.version, rule.since, kept.updated_at)
        return await self._changed(rule.tenant_id, "replace_rule", *values)

    async def delete_rule(self, tenant_id: str, rule_id: str) -> bool:
        return await self._changed(tenant_id, "delete_rule", tenant_id, rule_id)

    async def deliveries(
        self, tenant_id: str, where: DeliveryFilter, after: Cursor | None, limit: int
    ) -> Sequence[Delivery]:
        return await self._deliveries(tenant_id, where, after, None, limit)

    async def delivery(self, tenant_id: str, delivery_id: str) -> Delivery | None:
        found = await self._deliveries(tenant_id, DeliveryFilter(), None, delivery_id, 1)
        return found[0] if found else None

    async def add_trial(self, kept: KeptRule, delivery_id: str, document: str, at: datetime) -> None:
        rule = kept.rule
        values = (delivery_id, rule.tenant_id, rule.id, rule.name, rule.channel.value, Kind.TEST.value, document, at)
        await self._changed(rule.tenant_id, "insert_trial", *values)

    async def redeliver(self, tenant_id: str, delivery_id: str, at: datetime) -> bool:
        return await self._changed(tenant_id, "redeliver", tenant_id, delivery_id, at)

    async def _rules(self, tenant_id: str, after: Cursor | None, rule_id: str | None, limit: int) -> list[KeptRule]:
        at = (None, None) if after is None else (after.at, after.id)
        sql = statement("notifications/rules")
        rows = await self._walls.of_tenant(tenant_id, sql, tenant_id, *at, rule_id, limit)
        return [_kept(dict(row)) for row in rows]

    async def _deliveries(
        self, tenant_id: str, where: DeliveryFilter, after: Cursor | None, delivery_id: str | None, limit: int
    ) -> list[Delivery]:
        at = (None, None) if after is None else (after.at, after.id)
        conditions = (where.rule_id, where.job_id, where.state, where.start, where.end, delivery_id)
        sql = statement("notifications/deliveries")
        rows = await self._walls.of_tenant(tenant_id, sql, tenant_id, *at, *conditions, limit)
        return [Delivery(**row) for row in rows]

    async def _changed(self, tenant_id: str, name: str, *arguments: Any) -> bool:
        return bool(await self._walls.changed_by_tenant(tenant_id, statement(f"notifications/{name}"), *arguments))


def _kept(row: dict[str, Any]) -> KeptRule:
    names = ("sealed_target", "version", "created_by", "created_at", "updated_at")
    return KeptRule(rule_of(row), **{name: row[name] for name in names})


def _values(kept: KeptRule) -> tuple[Any, ...]:
    """The first columns of a rule, in the order of both statements that write one."""
    rule, pace = kept.rule, kept.rule.pace
    return (
        *(rule.id, rule.tenant_id, rule.name, sorted(kind.value for kind in rule.kinds)),
        *(list(rule.scope.job_ids), list(rule.scope.tags)),
        *(pace.group_s, pace.throttle_count, pace.throttle_s, rule.late_s, rule.enabled, rule.channel.value),
    )
