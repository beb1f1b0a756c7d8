"""How far the consumers of partitions are behind the log, for the figures alone.

Guarantee: nothing is decided by it, and keeping it costs a few operations for each batch, none for each record. The
seconds are told by the clocks of those who wrote: they are as good as those clocks agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from horolog.log.port import Record


@dataclass(frozen=True, slots=True)
class Standing:
    """One partition in a consumer's hands. An `epoch` of None: its consumers are not numbered."""

    partition: int
    epoch: int | None
    lag_record_count: int
    lag_s: float


@dataclass(slots=True)
class Reached:
    """Up to when (`at_s`, in epoch seconds) all that was written for a partition has been taken.

    `in_hand_count` are the records that were taken, but of which nothing has come yet.
    """

    at_s: float
    in_hand_count: int = 0

    def note(self, records: Sequence[Record], is_behind: bool, now_s: float) -> None:
        """Take note of a batch that was taken, and of whether more is there.

        Of a batch the ends are looked at: it may come from several topics, one of which is behind.
        """
        self.in_hand_count = len(records)
        if not is_behind:
            self.at_s = now_s
        elif records:
            self.at_s = min(records[0].timestamp_ms, records[-1].timestamp_ms) / 1000

    def standing(self, partition: int, epoch: int | None, waiting_count: int, now_s: float) -> Standing:
        """How far the partition is behind, when so many records wait to be taken."""
        count = waiting_count + self.in_hand_count
        return Standing(partition, epoch, count, max(0.0, now_s - self.at_s) if count > 0 else 0.0)
