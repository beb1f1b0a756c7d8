"""Where rules and deliveries are kept, as the API needs it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from horolog.domain.notifications.deliveries import Delivery, DeliveryFilter
from horolog.domain.notifications.rules import KeptRule
from projections.views import Cursor


class NotificationStore(Protocol):
    """Rules and deliveries of tenants. Every method raises `ReadModelUnavailable` when nothing can be known or done."""

    async def rules(self, tenant_id: str, after: Cursor | None, limit: int) -> Sequence[KeptRule]:
        """A page of the tenant's rules, newest first."""
        ...

    async def rule(self, tenant_id: str, rule_id: str) -> KeptRule | None:
        """One of the tenant's rules."""
        ...

    async def add_rule(self, kept: KeptRule, count_max: int) -> bool:
        """Keep a new rule; False when the tenant has as many as it may, or one of this id."""
        ...

    async def replace_rule(self, kept: KeptRule) -> bool:
        """Keep the rule in the place of the version before it; False when that is not the present one."""
        ...

    async def delete_rule(self, tenant_id: str, rule_id: str) -> bool:
        """Forget a rule, and what waits to be told of it; False when there is none such."""
        ...

    async def deliveries(
        self, tenant_id: str, where: DeliveryFilter, after: Cursor | None, limit: int
    ) -> Sequence[Delivery]:
        """A page of the tenant's deliveries, newest first."""
        ...

    async def delivery(self, tenant_id: str, delivery_id: str) -> Delivery | None:
        """One of the tenant's deliveries."""
        ...

    async def add_trial(self, kept: KeptRule, delivery_id: str, document: str, at: datetime) -> None:
        """Have this document sent as the rule says, at once."""
        ...

    async def redeliver(self, tenant_id: str, delivery_id: str, at: datetime) -> bool:
        """Have a delivery sent once more under its id; False when there is none such."""
        ...
