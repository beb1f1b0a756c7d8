"""Where a ciphertext may stand: the API encrypts for that place, and executors and notifiers decrypt there only."""

from horolog.domain.sensitive import Slot
from horolog.vault.cipher import Context


def job_place(tenant_id: str, job_id: str, slot: Slot) -> Context:
    """The place of a slot of a job's config, or of a trigger's parameters, which are merged into it."""
    return Context(tenant_id, "job", job_id, slot.key)


def rule_place(tenant_id: str, rule_id: str) -> Context:
    """The place of the target of a notification rule."""
    return Context(tenant_id, "notification-rule", rule_id, "target")
