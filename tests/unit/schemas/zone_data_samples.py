"""The checkpoint that tells by which releases of the time zone data instants were computed.

Records without that field are older, and stay readable beside it.
"""

from datetime import UTC, datetime

from schemas.base import Message
from schemas.events.owners import OwnerCheckpointed, ZoneDataUse
from tests.unit.schemas.samples import AT, FIRE


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
