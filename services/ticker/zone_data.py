"""Which release of the time zone data a partition's instants are computed by, and by which ones they were before.

The checkpoint tells it: each release with the watermark from which on it decided. Guarantee: an instant up to the
watermark was decided by the release told for it and is never decided again; what comes after is planned by the
release that is installed, whoever owned the partition before.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from horolog.domain.cron import ZoneData, packaged_zone_data
from schemas.events.owners import OwnerCheckpointed, ZoneDataUse

_logger = logging.getLogger(__name__)

USES_KEPT_COUNT_MAX = 32
"""Years of releases; where owners of two releases alternate, the newest of these changes."""
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ZoneDataInUse:
    """The release to compute by, and the history to checkpoint: `used`, the last of which is that release."""

    data: ZoneData
    used: tuple[ZoneDataUse, ...]


def first_use(data: ZoneData | None = None) -> ZoneDataInUse:
    """That of a partition of which nothing has been decided yet; by the packaged release, unless one is given."""
    data = data or packaged_zone_data()
    return ZoneDataInUse(data, (ZoneDataUse(version=data.version, after=_ALWAYS),))


def further_use(data: ZoneData, checkpoint: OwnerCheckpointed, watermark: datetime) -> ZoneDataInUse:
    """That of a partition which is taken at the checkpoint; a change of release is told in one line of the log."""
    used = checkpoint.zone_data
    last = used[-1].version if used else None
    if last == data.version:
        return ZoneDataInUse(data, used)
    if last is not None:
        _logger.warning(
            "instants up to %s were computed by time zone data %s, those after it are planned anew by %s",
            *(watermark.isoformat(), last, data.version),
            extra={"partition": checkpoint.partition, "role": checkpoint.role},
        )
    kept = [use for use in used if use.after < watermark]
    if not kept or kept[-1].version != data.version:
        kept.append(ZoneDataUse(version=data.version, after=watermark))
    return ZoneDataInUse(data, tuple(kept[-USES_KEPT_COUNT_MAX:]))
