"""Checkpoints that tell by which time zone data instants were computed, who gets nothing, and what is decided.

Records without these fields are older, and stay readable beside them.
"""

from datetime import UTC, datetime

from schemas.base import Message
from schemas.events.owners import OwnerCheckpointed, WorkerSetAside, ZoneDataUse
from schemas.events.workers import Stall
from tests.unit.schemas.samples import AT, FIRE

DISPATCHERS = OwnerCheckpointed(
    role="dispatcher",
    partition=3,
    owner="host-1/18",
    epoch=2,
    acquired_at=FIRE,
    at=AT,
    positions={"fires.v1": 7},
    replay_from=4,
)


def zone_data_samples() -> tuple[Message, ...]:
    """The message, at most one of each type."""
    uses = (
        ZoneDataUse(version="2026e", after=datetime(1970, 1, 1, tzinfo=UTC)),
        ZoneDataUse(version="2026f", after=FIRE),
    )
    checkpoint = OwnerCheckpointed(
        role="ticker",
        partition=3,
        owner="host-1/17",
        epoch=5,
        acquired_at=FIRE,
        at=AT,
        positions={"job-table.v1": 12},
        watermark=FIRE,
        zone_data=uses,
    )
    return (checkpoint,)


def decided_samples() -> tuple[Message, ...]:
    """The message, at most one of each type."""
    return (DISPATCHERS.model_copy(update={"decided_until": FIRE}),)


def set_aside_samples() -> tuple[Message, ...]:
    """The message, at most one of each type."""
    aside = WorkerSetAside(worker_id="worker-7", stall=Stall.TAKES_NOTHING)
    return (DISPATCHERS.model_copy(update={"set_aside": (aside,)}),)


def restoring_samples() -> tuple[Message, ...]:
    """The message, at most one of each type."""
    return (DISPATCHERS.model_copy(update={"restoring": True}),)
