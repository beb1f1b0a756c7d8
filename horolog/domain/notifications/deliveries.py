"""Deliveries as their tenant sees them: what was made of which rule, and how sending it went."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeliveryState(StrEnum):
    """`waiting` is to be sent, or to be sent again; `dead` was given up."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery. Status, duration and failure are those of the last attempt; `failure` is a code."""

    id: str
    tenant_id: str
    rule_id: str
    rule_name: str
    channel: str
    job_id: str | None
    kind: str
    fact_count: int
    dropped_count: int
    made_at: datetime
    state: str
    due_at: datetime
    attempt: int = 0
    attempted_at: datetime | None = None
    duration_ms: int | None = None
    status_code: int | None = None
    failure: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries: all conditions must hold."""

    rule_id: str | None = None
    job_id: str | None = None
    state: str | None = None
    start: datetime | None = None
    end: datetime | None = None
