"""Notification rules and deliveries in memory, for tests of the routes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from horolog.domain.notifications.deliveries import Delivery, DeliveryFilter
from horolog.domain.notifications.rules import KeptRule, Kind
from projections.views import Cursor


@dataclass
class MemoryNotifications:
    """Implements `NotificationStore`."""

    kept: dict[str, KeptRule] = field(default_factory=dict)
    made: dict[str, Delivery] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)

    async def rules(self, tenant_id: str, after: Cursor | None, limit: int) -> Sequence[KeptRule]:
        own = [kept for kept in self.kept.values() if kept.rule.tenant_id == tenant_id]
        own.sort(key=lambda kept: (kept.created_at, kept.rule.id), reverse=True)
        left = [kept for kept in own if after is None or (kept.created_at, kept.rule.id) < (after.at, after.id)]
        return left[:limit]

    async def rule(self, tenant_id: str, rule_id: str) -> KeptRule | None:
        kept = self.kept.get(rule_id)
        return kept if kept is not None and kept.rule.tenant_id == tenant_id else None

    async def add_rule(self, kept: KeptRule, count_max: int) -> bool:
        if kept.rule.id in self.kept or len(await self.rules(kept.rule.tenant_id, None, count_max)) >= count_max:
            return False
        self.kept[kept.rule.id] = kept
        return True

    async def replace_rule(self, kept: KeptRule) -> bool:
        before = await self.rule(kept.rule.tenant_id, kept.rule.id)
        if before is None or before.version != kept.version - 1:
            return False
        self.kept[kept.rule.id] = kept
        return True

    async def delete_rule(self, tenant_id: str, rule_id: str) -> bool:
        if await self.rule(tenant_id, rule_id) is None:
            return False
        del self.kept[rule_id]
        return True

    async def deliveries(
        self, tenant_id: str, where: DeliveryFilter, after: Cursor | None, limit: int
    ) -> Sequence[Delivery]:
        own = [one for one in self.made.values() if one.tenant_id == tenant_id and _holds(where, one)]
        own.sort(key=lambda one: (one.made_at, one.id), reverse=True)
        return [one for one in own if after is None or (one.made_at, one.id) < (after.at, after.id)][:limit]

    async def delivery(self, tenant_id: str, delivery_id: str) -> Delivery | None:
        found = self.made.get(delivery_id)
        return found if found is not None and found.tenant_id == tenant_id else None

    async def add_trial(self, kept: KeptRule, delivery_id: str, document: str, at: datetime) -> None:
        rule = kept.rule
        told = (rule.tenant_id, rule.id, rule.name, rule.channel.value, None, Kind.TEST.value, 0, 0, at, "waiting", at)
        self.made[delivery_id] = Delivery(delivery_id, *told)
        self.documents[delivery_id] = document

    async def redeliver(self, tenant_id: str, delivery_id: str, at: datetime) -> bool:
        found = await self.delivery(tenant_id, delivery_id)
        if found is None:
            return False
        self.made[delivery_id] = replace(found, state="waiting", due_at=at, attempt=0, failure=None, ended_at=None)
        return True


def _holds(where: DeliveryFilter, one: Delivery) -> bool:
    conditions = [
        where.rule_id in (None, one.rule_id),
        where.job_id in (None, one.job_id),
        where.state in (None, one.state),
        where.start is None or one.made_at >= where.start,
        where.end is None or one.made_at < where.end,
    ]
    return all(conditions)
