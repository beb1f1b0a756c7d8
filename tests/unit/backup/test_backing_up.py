"""A backup is the log as of one moment, whole, or there is none."""

from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from horolog.backup.backing_up import BackupRefused
from horolog.backup.records import places_in_order
from horolog.backup.survey import survey
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Outgoing, Place, Record
from schemas.topics import CHECKPOINTS, COMMANDS, EXECUTIONS, FIRES, RECORD_BYTES_MAX
from tests.unit.backup.test_sealing import KEY
from tests.unit.backup.world import FailingLog, archived, content, empty, history
from tests.unit.projections.facts import HOME, PARTITIONS, checkpoint, outgoing

NEWS = Outgoing(COMMANDS.name, HOME, b"news", b"{}")


class Moving:
    """Somebody writes to the log, as soon as it was asked for its ends so often, or while it is read."""

    def __init__(self, log: EmbeddedLog, questions_left: int, writes_while_read: bool = False) -> None:
        self._log = log
        self._questions_left = questions_left
        self._writes_while_read = writes_while_read

    @property
    def partition_count(self) -> int:
        return self._log.partition_count

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return await self._log.starts(places)

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        if self._questions_left == 0:
            await self._log.append([NEWS])
        self._questions_left -= 1
        return await self._log.ends(places)

    async def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        async for records in self._log.scan(place, start, end):
            yield records
        if self._writes_while_read:
            await self._log.append([NEWS])


class Begun(EmbeddedLog):
    """A log whose places begin where a test says."""

    begins: Mapping[Place, int] = {}

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return {**(await super().starts(places)), **{place: self.begins[place] for place in self.begins}}


async def test_everything_that_is_kept_is_counted_and_told_by_the_archive() -> None:
    log = await history()
    file, report = await archived(log)
    found = survey(file, KEY)
    kept: dict[str, int] = {}
    for place in places_in_order(PARTITIONS):
        kept[place.topic] = kept.get(place.topic, 0) + len(await content(log, place))
    assert report.record_counts == found.record_counts == kept
    assert (kept[EXECUTIONS.name], kept[FIRES.name], kept[CHECKPOINTS.name]) == (1200, 2, 6)
    assert found.manifest.partition_count == PARTITIONS
    assert report.left_out_count == 0


@pytest.mark.parametrize("question", [1, 2])
async def test_log_that_moves_has_no_backup(question: int) -> None:
    with pytest.raises(BackupRefused, match=rf"commands\.v1/{HOME} still moves: it ended at 3 and now ends at 4"):
        await archived(Moving(await history(), question))


async def test_log_that_moves_while_it_is_read_has_no_backup() -> None:
    with pytest.raises(BackupRefused, match="still moves"):
        await archived(Moving(await history(), 100, writes_while_read=True))


async def test_log_that_has_lost_what_is_kept_for_ever_has_no_backup() -> None:
    log = await empty(Begun)
    assert isinstance(log, Begun)
    log.begins = {Place(EXECUTIONS.name, HOME): 1}
    with pytest.raises(BackupRefused, match="kept for ever are gone"):
        await archived(log)


async def test_loss_that_no_owner_has_told_of_yet_is_told_first() -> None:
    log = await history()
    unread = checkpoint(20, role="dispatcher", positions={FIRES.name: 2})
    await log.append([outgoing(unread)])
    with pytest.raises(BackupRefused, match=rf"fires\.v1/{HOME} kept nothing before 3"):
        await archived(log)
    await log.append([outgoing(unread.model_copy(update={"positions": {FIRES.name: 3}}))])
    await archived(log)


async def test_half_a_log_has_no_backup() -> None:
    log = await empty()
    await log.append([outgoing(checkpoint(0, restoring=True))])
    with pytest.raises(BackupRefused, match="interrupted"):
        await archived(log)


async def test_record_of_a_stranger_that_no_log_takes_is_left_out_and_counted() -> None:
    large = Record("commands.v1", HOME, 9, b"large", bytes(RECORD_BYTES_MAX + 1), (), 0)
    many = Record("commands.v1", HOME, 10, b"many", b"", (("name", bytes(2_500_000)),), 0)

    class Strange(FailingLog):
        async def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
            if place == Place(COMMANDS.name, HOME):
                yield [large, many]
            async for records in super().scan(place, start, end):
                yield records

    _, report = await archived(await empty(Strange))
    assert (report.left_out_count, report.record_counts["commands.v1"]) == (2, 0)
