"""How far a projector's share of the partitions is behind the log, for the figures alone.

Guarantee: looked at once a second at most, and nothing is decided by it. While a projector does not read, because
PostgreSQL or the log is away, its partitions count as behind for as long as that lasts.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from horolog.log.lag import Reached, Standing
from horolog.log.port import Place, Reader, Record

LOOK_INTERVAL_S = 1.0


@dataclass(slots=True)
class _Share:
    """One partition: where it is read, how much waits there, and up to when all was applied."""

    places: tuple[Place, ...]
    reached: Reached
    unread_count: int = 0


@dataclass(slots=True)
class Standings:
    """The partitions of one projector's share. `in_hand` is the batch being applied; all times are epoch seconds."""

    in_hand: Sequence[Record] = ()
    _is_reading: bool = False
    _shares: dict[int, _Share] = field(default_factory=dict)
    _looked_at_s: float = 0.0

    def begin(self, places: Iterable[Place], now_s: float) -> None:
        """These places are read from now on; of partitions that were before, it is known how far they came."""
        before, self._shares = self._shares, {}
        by_partition: dict[int, list[Place]] = {}
        for place in places:
            by_partition.setdefault(place.partition, []).append(place)
        for partition, found in by_partition.items():
            reached = before[partition].reached if partition in before else Reached(now_s)
            self._shares[partition] = _Share(tuple(found), reached)
        self._looked_at_s, self._is_reading = 0.0, True

    def end(self) -> None:
        """Nothing is read any more, for now."""
        self.in_hand, self._is_reading = (), False

    def look(self, reader: Reader, now_s: float) -> None:
        """See how far behind each is, after the batch in hand was applied."""
        applied, self.in_hand = self.in_hand, ()
        if now_s - self._looked_at_s < LOOK_INTERVAL_S:
            return
        self._looked_at_s = now_s
        latest = {record.partition: record for record in applied}
        for partition, share in self._shares.items():
            share.unread_count = sum(map(reader.lag, share.places))
            found = [latest[partition]] if partition in latest else []
            share.reached.note(found, share.unread_count > 0, now_s)

    def told(self, now_s: float) -> list[Standing]:
        """Each partition, as it stands."""
        held = Counter(record.partition for record in self.in_hand)
        told = []
        for partition, share in self._shares.items():
            # What waits while nobody reads is not known; that somebody would have to, is.
            unread_count = share.unread_count if self._is_reading else max(1, share.unread_count)
            share.reached.in_hand_count = held[partition]
            told.append(share.reached.standing(partition, None, unread_count, now_s))
        return told
