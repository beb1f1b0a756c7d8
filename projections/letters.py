"""Dead letters: the records that the read side cannot use, each told once on the dead-letter topic with its reason.

Guarantee: a record's letter is appended inside the transaction that moves past the record, while nobody else may
write for its partition, and after looking for the letter of a predecessor that was cut off between the two. So a
crash loses no letter and repeats none; only an append that arrives long after it was given up can repeat one.
"""

import re
from collections.abc import Mapping, Sequence

from horolog.log.port import Log, Outgoing, Place, Record
from horolog.log.refusals import dead_letter
from horolog.ports import Clock
from projections.fold import Refusal
from schemas.events.workers import SYSTEM_TENANT
from schemas.topics import DLQ, partition_of

SOURCE = "horolog/projections"

_OURS = ("ce_source", SOURCE.encode())
_SUBJECT = re.compile(r"(?P<topic>[^/]+)/(?P<partition>\d+)/(?P<offset>\d+)")


class DeadLetters:
    """Tells of refused records, for one reader of the log at a time."""

    def __init__(self, log: Log, clock: Clock, told_before: Mapping[Place, int] | None = None) -> None:
        """`told_before` names positions before which every refusal has been told already."""
        self._log = log
        self._clock = clock
        self._told_before = told_before or {}
        self._place = Place(DLQ.name, partition_of(SYSTEM_TENANT, log.partition_count))
        self._told: dict[tuple[Place, int], None] = {}
        self._read_to: int | None = None

    async def tell(self, refusals: Sequence[Refusal], positions: Mapping[Place, int]) -> None:
        """Append what has not been told; `positions` are those at which the records' batch begins.

        Raises:
            LogError: some may not have been told; repeating is safe.
        """
        untold = [refusal for refusal in refusals if not self._is_old(refusal.record)]
        if not untold:
            return
        await self._read_letters(positions)
        letters = [self._letter(refusal) for refusal in untold if _identity(refusal.record) not in self._told]
        if letters:
            await self._log.append(letters)

    def _is_old(self, record: Record) -> bool:
        place, offset = _identity(record)
        return offset < self._told_before.get(place, 0)

    async def _read_letters(self, positions: Mapping[Place, int]) -> None:
        """Take note of our letters since the last time, as far as their records are still to come."""
        if self._read_to is None:
            self._read_to = (await self._log.starts([self._place]))[self._place]
        end = (await self._log.ends([self._place]))[self._place]
        async for letters in self._log.scan(self._place, self._read_to, end):
            self._told |= dict.fromkeys(_identity_of_letter(letter) for letter in letters if _OURS in letter.headers)
        self._read_to = end
        self._told = {
            (place, offset): None for place, offset in self._told if offset >= positions.get(place, offset + 1)
        }

    def _letter(self, refusal: Refusal) -> Outgoing:
        return dead_letter(refusal.record, refusal.reason, SOURCE, self._clock.now(), self._place.partition)


def _identity(record: Record) -> tuple[Place, int]:
    return Place(record.topic, record.partition), record.offset


def _identity_of_letter(letter: Record) -> tuple[Place, int]:
    named = _SUBJECT.fullmatch(letter.key.decode("utf-8", "replace"))
    if named is None:
        return _identity(letter)
    return Place(named["topic"], int(named["partition"])), int(named["offset"])
