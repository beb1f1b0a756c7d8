"""One owned partition of the ticker: a turn takes in schedule changes, then emits what is due up to the horizon."""

import heapq
import itertools
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from horolog.domain.cron import CronError, ZoneError, count_between, previous_before_s
from horolog.domain.identity import fire_id, miss_id
from horolog.domain.misfire import caught_up_from
from horolog.limits import FEED_LOOK_INTERVAL_S, FIRES_PER_TURN_COUNT_MAX, LOOKAHEAD_S, MISFIRE_GRACE_S
from horolog.log.owner import Turn
from horolog.log.port import Log, Outgoing, Record
from horolog.log.refusals import check_home, dead_letter
from schemas.base import Message
from schemas.codec import RecordError, decode, headers_of
from schemas.events.fires import FireDue, FireMissed
from schemas.events.jobs import JobTabled
from schemas.jobs import Job, MisfirePolicy
from schemas.topics import FIRES, PARTITION_COUNT_DEFAULT
from services.ticker.segments import Segment, floor_s, segment_of
from services.ticker.zone_data import ZoneDataInUse, first_use

_logger = logging.getLogger(__name__)

SOURCE = "horolog/ticker"
_LOOKAHEAD = timedelta(seconds=LOOKAHEAD_S)
_LOOK_INTERVAL = timedelta(seconds=FEED_LOOK_INTERVAL_S)
MISSED_COUNT_MAX = 100_000
"""A longer missed range is entered as several rows."""
STALE_COUNT_MAX = 1000
"""The plan is cleared of what was replaced when it has doubled since, and not before it has this many entries."""


def instant_of(epoch_s: int) -> datetime:
    """Epoch seconds as an instant."""
    return datetime.fromtimestamp(epoch_s, UTC)


class TickerPartition:
    """The schedules of one partition, and the watermark up to which their fires are out."""

    def __init__(
        self,
        partition: int,
        watermark_s: int | None,
        partition_count: int = PARTITION_COUNT_DEFAULT,
        zone_data: ZoneDataInUse | None = None,
    ) -> None:
        self.partition = partition
        self._zone_data = zone_data or first_use()
        self._partition_count = partition_count
        self.watermark_s = watermark_s
        self._current: dict[str, Segment] = {}
        self._versions: dict[str, int] = {}
        self._heap: list[tuple[int, int, Segment]] = []
        self._order = itertools.count()
        self._cleared_count = 0
        self._letters: list[Outgoing] = []

    def __len__(self) -> int:
        """How many schedules owe fires."""
        return len(self._current)

    @property
    def planned_count(self) -> int:
        """How many entries the plan has: the schedules that owe fires, and some that were replaced."""
        return len(self._heap)

    @property
    def next_s(self) -> int | None:
        """The instant that will be emitted next, in epoch seconds, if any is owed."""
        return self._heap[0][0] if self._heap else None

    def standing(self, job_id: str) -> tuple[int, int | None]:
        """The version known of a job's schedule (0: none), and the next instant that will be emitted of it."""
        version, segment = self._versions.get(job_id, 0), self._current.get(job_id)
        if segment is None:
            return version, None
        # What lies behind the watermark is held back, and stands in the heap; or it will never be looked at again.
        is_passed = segment.next_s <= (self.watermark_s or 0)
        is_lost = is_passed and (not self._heap or self._heap[0][0] > segment.next_s)
        return version, None if is_lost else segment.next_s

    def take_in(self, record: Record, after_s: int) -> None:
        """Take in one record of the job table; a new version owes its instants after `after_s`.

        Raises:
            RecordError: the record cannot be understood, or is not this partition's; it has changed nothing.
        """
        if record.value is None:
            return
        message = decode(record.topic, record.headers, record.value)
        check_home(message, record, self._partition_count)
        assert isinstance(message, JobTabled)
        job = message.job
        known_version = self._versions.get(job.job_id, 0)
        if known_version == job.schedule_version:
            self._take_in_policy(job)
        if known_version >= job.schedule_version:
            return
        if job.deleted:
            self._versions.pop(job.job_id, None)
        else:
            self._versions[job.job_id] = job.schedule_version
        previous = self._current.pop(job.job_id, None)
        if previous is not None:
            previous.close(floor_s(job.effective_from))
        try:
            segment = segment_of(job, after_s, self._zone_data.data)
        except (CronError, ZoneError) as error:
            _logger.error("a schedule can no longer be understood: %s", error, extra={"job_id": job.job_id})
            return
        if segment is not None:
            self._current[job.job_id] = segment
            self._push(segment)

    def _take_in_policy(self, job: Job) -> None:
        """A change of the misfire policy alone is no new version of a schedule; it counts for gaps judged later."""
        segment = self._current.get(job.job_id)
        if segment is not None:
            segment.misfire = job.definition.misfire

    def turn(self, records: Sequence[Record], now: datetime, is_behind: bool = False) -> Turn:
        """Take in the changes, then emit every fire up to the horizon (now and the lookahead).

        A gap is judged only by whoever has read the table to its end: a change that waits to be read may have taken
        the gap's instants away, and then nobody missed them. While the past of a new version (a resume that catches
        up) waits for that behind the watermark, the checkpoint does not pass it: a successor would plan it after the
        watermark, and lose it.
        """
        outputs, self._letters = self._letters, []
        for record in records:
            try:
                self.take_in(record, 0)
            except RecordError as error:
                outputs.append(dead_letter(record, str(error), SOURCE, now, self.partition))
        now_s = floor_s(now)
        horizon_s = max(int(now.timestamp() + LOOKAHEAD_S), self.watermark_s or 0)
        held_back_s = now_s - int(MISFIRE_GRACE_S) if is_behind else 0
        while self._heap and held_back_s <= self._heap[0][0] <= horizon_s:
            # What lies behind the watermark was owed by a new version; the next turn would take it for emitted.
            if len(outputs) >= FIRES_PER_TURN_COUNT_MAX and self._heap[0][0] > (self.watermark_s or 0):
                break
            _, _, segment = heapq.heappop(self._heap)
            self._emit(segment, now_s, now, outputs)
        self._advance_watermark(horizon_s)
        wake_at = self._wake_at()
        if wake_at is not None and is_behind:
            wake_at = max(wake_at, now + _LOOK_INTERVAL)
        watermark = instant_of(self.watermark_s or horizon_s)
        holds_back = bool(self._heap) and self._heap[0][0] <= floor_s(watermark)
        if holds_back:
            # Nothing was emitted, and whoever reads these records again writes their letters.
            outputs, self._letters = [], outputs
        return Turn(outputs, wake_at, watermark=watermark, zone_data=self._zone_data.used, holds_back=holds_back)

    async def sample(self, log: Log) -> None:
        """A ticker learns nothing from the log but its input."""

    def _advance_watermark(self, horizon_s: int) -> None:
        """Up to the horizon when all is out; else to just before the first instant that is not."""
        reached = horizon_s
        if self._heap and self._heap[0][0] <= horizon_s:
            reached = self._heap[0][0] - 1
        self.watermark_s = max(self.watermark_s or 0, reached) if self.watermark_s is not None else reached

    def _wake_at(self) -> datetime | None:
        return instant_of(self._heap[0][0]) - _LOOKAHEAD if self._heap else None

    def _push(self, segment: Segment) -> None:
        if len(self._heap) >= max(STALE_COUNT_MAX, 2 * self._cleared_count):
            self._clear()
        heapq.heappush(self._heap, (segment.next_s, next(self._order), segment))

    def _clear(self) -> None:
        """Take out what was replaced or deleted and owes nothing more: its next instant may be years ahead."""
        self._heap = [entry for entry in self._heap if entry[2].next_s <= entry[2].until_s]
        heapq.heapify(self._heap)
        self._cleared_count = len(self._heap)

    def _emit(self, segment: Segment, now_s: int, now: datetime, outputs: list[Outgoing]) -> None:
        """Emit the segment's next instant (or the missed range that begins with it), and go to the following."""
        if segment.next_s > segment.until_s:
            self._finish(segment)
            return
        missed_s = None
        late_s = now_s - int(MISFIRE_GRACE_S)
        if segment.caught_up_until_s < segment.next_s < late_s:
            missed_s = self._emit_missed(segment, late_s, now_s, now, outputs)
        if missed_s is None:
            outputs.append(self._due(segment, now))
        if segment.advance(segment.next_s if missed_s is None else missed_s):
            self._push(segment)
        else:
            self._finish(segment)

    def _finish(self, segment: Segment) -> None:
        if self._current.get(segment.job_id) is segment:
            del self._current[segment.job_id]

    def _emit_missed(
        self, segment: Segment, late_s: int, now_s: int, now: datetime, outputs: list[Outgoing]
    ) -> int | None:
        """Judge the instants before `late_s` by the misfire policy, and emit the range that is missed.

        Returns the last instant of that range; None when nothing is missed, so that the first instant fires.
        """
        spec, zone, first_s = segment.spec, segment.zone, segment.next_s
        last_s = previous_before_s(spec, zone, min(late_s - 1, segment.until_s) + 1)
        assert last_s is not None
        fired_s = caught_up_from(segment.misfire, spec, zone, (first_s, last_s), now_s)
        if segment.misfire.policy is MisfirePolicy.LATEST and self._is_followed(segment, last_s, now_s):
            fired_s = None
        missed_s = None
        if fired_s != first_s:
            missed_s = last_s if fired_s is None else previous_before_s(spec, zone, fired_s)
            assert missed_s is not None
            count = count_between(spec, zone, first_s - 1, missed_s, MISSED_COUNT_MAX + 1)
            if count > MISSED_COUNT_MAX:
                # The rest is judged when its turn comes, which is in this same turn unless that is full.
                missed_s, count = self._cut(segment, first_s)
                fired_s = None
            outputs.append(self._missed(segment, (first_s, missed_s, count), now))
        if fired_s is not None:
            segment.caught_up_until_s = last_s
        return missed_s

    @staticmethod
    def _cut(segment: Segment, first_s: int) -> tuple[int, int]:
        """The end of a part of a very long range, and its count: found by halving the range."""
        low, high = first_s, first_s + MISSED_COUNT_MAX
        while count_between(segment.spec, segment.zone, first_s - 1, high, MISSED_COUNT_MAX) < MISSED_COUNT_MAX:
            low, high = high, high + 2 * (high - first_s)
        while high - low > 1:
            middle = (low + high) // 2
            if count_between(segment.spec, segment.zone, first_s - 1, middle, MISSED_COUNT_MAX) < MISSED_COUNT_MAX:
                low = middle
            else:
                high = middle
        return high, MISSED_COUNT_MAX

    @staticmethod
    def _is_followed(segment: Segment, last_s: int, now_s: int) -> bool:
        """Whether an instant after the gap has come already, and is merely late."""
        follower = replace(segment)
        return follower.advance(last_s) and follower.next_s <= now_s

    def _due(self, segment: Segment, now: datetime) -> Outgoing:
        instant = instant_of(segment.next_s)
        return self._outgoing(
            FireDue(
                tenant_id=segment.tenant_id,
                job_id=segment.job_id,
                fire_id=fire_id(segment.tenant_id, segment.job_id, instant),
                scheduled_for=instant,
                schedule_version=segment.schedule_version,
                catch_up=segment.next_s <= segment.caught_up_until_s,
                emitted_at=now,
            ),
            now,
        )

    def _missed(self, segment: Segment, missed: tuple[int, int, int], now: datetime) -> Outgoing:
        first, last = instant_of(missed[0]), instant_of(missed[1])
        return self._outgoing(
            FireMissed(
                tenant_id=segment.tenant_id,
                job_id=segment.job_id,
                miss_id=miss_id(segment.tenant_id, segment.job_id, first),
                first=first,
                last=last,
                count=missed[2],
                schedule_version=segment.schedule_version,
                emitted_at=now,
            ),
            now,
        )

    def _outgoing(self, message: Message, now: datetime) -> Outgoing:
        headers = headers_of(message, SOURCE, now)
        return Outgoing(FIRES.name, self.partition, message.subject().encode(), message.to_json(), headers)
