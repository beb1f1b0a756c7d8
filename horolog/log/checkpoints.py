"""Finding where the last owner of a partition stood.

Guarantee: the newest checkpoint that can be understood, and that is this role's and this partition's own, is found
whatever else was written under the role's key. What is passed over is logged here; its dead letters are written by
the projections, which read the same records once. Of a log that a backup is being restored into, or whose restore was
interrupted, no checkpoint is told, so that nobody owns and decides on half a log.
"""

import logging
from collections.abc import Sequence

from horolog.log.port import Log, LogError, Place, Record
from horolog.log.refusals import check_home
from schemas.codec import RecordError, decode
from schemas.events.owners import OwnerCheckpointed
from schemas.topics import CHECKPOINTS

_logger = logging.getLogger(__name__)

WINDOW_COUNT = 1000
WINDOW_GROWTH = 8


async def newest_checkpoint(log: Log, role: str, partition: int) -> OwnerCheckpointed | None:
    """The role's newest checkpoint of the partition; None where there is none.

    In the usual case one look-up. Otherwise the place is read backwards in growing windows, each record once; that is
    bounded by what the compacted topic keeps.

    Raises:
        LogError: the log does not tell, or a backup is being restored into it.
    """
    place = Place(CHECKPOINTS.name, partition)
    latest = await log.latest(place, role.encode())
    if latest is None:
        return None
    search = _Search(role, log.partition_count)
    if search.understood(latest) is None:
        await _read_backwards(log, place, search, latest.offset)
    search.tell(partition)
    if search.found is not None and search.found.restoring:
        raise LogError("a backup is being restored into this log, or its restore was interrupted; nobody may own it")
    return search.found


class _Search:
    """What was found so far; of several, the last one that was looked at."""

    def __init__(self, role: str, partition_count: int) -> None:
        self.found: OwnerCheckpointed | None = None
        self._role = role
        self._partition_count = partition_count
        self._refused_count = 0
        self._reason = ""

    def understood(self, record: Record) -> OwnerCheckpointed | None:
        """The checkpoint in a record, unless it is none of the role's."""
        try:
            message = decode(record.topic, record.headers, record.value)
            check_home(message, record, self._partition_count)
        except RecordError as error:
            self._refused_count += 1
            self._reason = f"{record.offset}: {error}"
            return None
        assert isinstance(message, OwnerCheckpointed)
        self.found = message
        return message

    def look_at(self, records: Sequence[Record]) -> None:
        """Take these into account."""
        key = self._role.encode()
        for record in records:
            if record.key == key:
                self.understood(record)

    def tell(self, partition: int) -> None:
        """Say what was passed over, if anything was."""
        if not self._refused_count:
            return
        where = {"partition": partition, "role": self._role, "topic": CHECKPOINTS.name}
        words = "%d records that are no checkpoints of the role were passed over, such as the one at %s"
        if self.found is not None:
            _logger.warning(words, self._refused_count, self._reason, extra=where)
        else:
            # Its positions are lost; what the inputs still keep is read anew.
            _logger.error(f"{words}; there is no other", self._refused_count, self._reason, extra=where)


async def _read_backwards(log: Log, place: Place, search: _Search, end: int) -> None:
    start = (await log.starts([place]))[place]
    window = WINDOW_COUNT
    while search.found is None and end > start:
        lower = max(start, end - window)
        async for records in log.scan(place, lower, end):
            search.look_at(records)
        end, window = lower, window * WINDOW_GROWTH
