"""A restored log: the same records, positions that name the same places, and owners kept away until all is there."""

import io

import pytest

from horolog.backup.archive import ArchiveWriter
from horolog.backup.records import places_in_order
from horolog.backup.restoring import OWNER_ROLES, RestoreRefused, restore
from horolog.backup.sealing import ArchiveError
from horolog.backup.survey import survey
from horolog.log.checkpoints import newest_checkpoint
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import LogError, LogUnavailable, Outgoing, Place
from schemas.codec import decode
from schemas.events.owners import RecordRefused
from schemas.topics import CHECKPOINTS, COMMANDS, DLQ, EXECUTIONS, FIRES, JOB_TABLE
from services.dispatcher.dispatcher import DispatcherRole
from services.ticker.ticker import TickerRole
from tests.unit.backup.test_sealing import KEY, OTHER_KEY, SALT
from tests.unit.backup.world import (
    INPUTS,
    KEPT,
    MADE_AT,
    DisturbedLog,
    FailingLog,
    OddLog,
    archived,
    content,
    empty,
    from_position,
    history,
)
from tests.unit.projections.facts import HOME, PARTITIONS, START

PLACES = places_in_order(PARTITIONS)
LETTERS = Place(DLQ.name, 0)
LOGS = [EmbeddedLog, OddLog]


async def restored(kind: type[EmbeddedLog] = EmbeddedLog) -> tuple[EmbeddedLog, EmbeddedLog]:
    """A log, and the one that its backup was restored into."""
    source, target = await history(), await empty(kind)
    file, _ = await archived(source)
    await restore(target, file, KEY)
    return source, target


async def is_untouched(log: EmbeddedLog) -> bool:
    return set((await log.ends(PLACES)).values()) == {0}


async def has_owners(log: EmbeddedLog) -> bool:
    """Whether any owner could begin."""
    for partition in range(PARTITIONS):
        for role in OWNER_ROLES:
            try:
                await newest_checkpoint(log, role, partition)
            except LogError:
                continue
            return True
    return False


@pytest.mark.parametrize("kind", LOGS)
async def test_every_record_is_there_again_in_order_and_byte_for_byte(kind: type[EmbeddedLog]) -> None:
    source, target = await restored(kind)
    for place in (place for place in PLACES if place.topic not in (DLQ.name, CHECKPOINTS.name)):
        before, after = await content(source, place), await content(target, place)
        assert [(r.key, r.value, r.headers) for r in after] == [(r.key, r.value, r.headers) for r in before], place
    (kept, _) = await content(target, Place(FIRES.name, HOME))
    assert (kept.key, kept.value, kept.headers) == (KEPT.key, KEPT.value, KEPT.headers)


@pytest.mark.parametrize("kind", LOGS)
async def test_owners_go_on_at_the_same_records(kind: type[EmbeddedLog]) -> None:
    source, target = await restored(kind)
    ticker, dispatcher = [await newest_checkpoint(target, role, HOME) for role in OWNER_ROLES]
    assert ticker is not None
    assert dispatcher is not None
    assert (ticker.epoch, ticker.watermark, dispatcher.epoch) == (7, START, 9)
    inputs = [(place, dispatcher.positions[place], old) for place, old in INPUTS.items()]
    for topic, here, old in [*inputs, (JOB_TABLE.name, ticker.positions[JOB_TABLE.name], 1)]:
        place = Place(topic, HOME)
        assert await from_position(target, place, here) == await from_position(source, place, old), topic
    assert dispatcher.replay_from is not None
    ledger = Place(EXECUTIONS.name, HOME)
    assert await from_position(target, ledger, dispatcher.replay_from) == await from_position(source, ledger, 1002)


@pytest.mark.parametrize("kind", LOGS)
async def test_letters_name_the_same_records_and_none_that_is_gone(kind: type[EmbeddedLog]) -> None:
    _, target = await restored(kind)
    *records, stranger = await content(target, LETTERS)
    letters = [decode(record.topic, record.headers, record.value) for record in records]
    tabled, gone, fire = [letter for letter in letters if isinstance(letter, RecordRefused)]
    offsets = {
        place: [r.offset for r in await content(target, Place(place, HOME))] for place in (tabled.topic, "fires.v1")
    }
    assert (tabled.offset, gone.offset, fire.offset) == (offsets[tabled.topic][0], -1, offsets["fires.v1"][1])
    for record, letter in zip(records, letters, strict=True):
        headers = dict(record.headers)
        assert record.key == headers["ce_id"] == headers["ce_subject"] == letter.subject().encode()
    assert (stranger.key, stranger.value) == (b"stranger", b"?")


async def test_partition_that_nobody_ever_owned_begins_as_if_new() -> None:
    _, target = await restored()
    strange = (HOME + 1) % PARTITIONS
    for role in (TickerRole(), DispatcherRole()):
        told = await newest_checkpoint(target, role.name, strange)
        assert told is not None
        fresh, positions = await role.rebuild(target, strange, None, START)
        blank, same = await role.rebuild(target, strange, told, START)
        assert same == positions
        assert fresh.turn((), START).watermark == blank.turn((), START).watermark


def test_roles_that_are_kept_away_are_all_there_are() -> None:
    assert set(OWNER_ROLES) == {TickerRole.name, DispatcherRole.name}


async def test_restore_that_is_interrupted_anywhere_lets_nobody_own_and_is_not_gone_on_with() -> None:
    file, _ = await archived(await history())
    count = 1
    while not await is_restored(target := await failing_after(count), file):
        assert not await has_owners(target)
        target.append_count_left = 1_000_000
        with pytest.raises(RestoreRefused, match="interrupted"):
            await restore(target, file, KEY)
        count += 1
    assert await has_owners(target)
    assert count > 10


async def failing_after(append_count: int) -> FailingLog:
    log = await empty(FailingLog)
    assert isinstance(log, FailingLog)
    log.append_count_left = append_count
    return log


async def is_restored(target: EmbeddedLog, file: io.BytesIO) -> bool:
    """Whether the log took everything."""
    try:
        await restore(target, file, KEY)
    except LogUnavailable:
        return False
    return True


@pytest.mark.parametrize("stranger", [Outgoing(COMMANDS.name, HOME, b"new", b"{}"), Outgoing(DLQ.name, 0, b"n", b"")])
async def test_whoever_writes_meanwhile_has_the_restore_refused(stranger: Outgoing) -> None:
    file, _ = await archived(await history())
    count = 0
    while refusal := await refused(target := await disturbed(stranger, count), file):
        assert "somebody else writes" in refusal
        assert not await has_owners(target)
        count += 1
    # With the very last append the stranger comes after everything, as if the services had begun.
    assert count == target.append_count - 1 > 10


async def disturbed(stranger: Outgoing, append_count: int) -> DisturbedLog:
    log = await empty(DisturbedLog)
    assert isinstance(log, DisturbedLog)
    log.stranger, log.before = stranger, append_count
    return log


async def refused(target: EmbeddedLog, file: io.BytesIO) -> str:
    """Why the restore is refused; empty if it is not."""
    try:
        await restore(target, file, KEY)
    except RestoreRefused as refusal:
        return str(refusal)
    return ""


async def test_log_that_was_written_to_is_refused() -> None:
    source = await history()
    file, _ = await archived(source)
    before = await source.ends(PLACES)
    with pytest.raises(RestoreRefused, match="not empty"):
        await restore(source, file, KEY)
    assert await source.ends(PLACES) == before
    with pytest.raises(RestoreRefused, match=f"has {PARTITIONS} partitions|with {PARTITIONS} partitions"):
        await restore(await empty(partition_count=PARTITIONS + 1), file, KEY)


async def test_nothing_is_written_of_an_archive_that_is_not_authentic() -> None:
    target = await empty()
    file, _ = await archived(await history())
    edited = bytearray(file.getvalue())
    edited[-1] ^= 1
    for archive, key in ((file, OTHER_KEY), (io.BytesIO(bytes(edited)), KEY)):
        with pytest.raises(ArchiveError):
            await restore(target, archive, key)
    assert await is_untouched(target)


async def test_parts_that_this_version_does_not_know_are_told_and_not_restored() -> None:
    file = io.BytesIO()
    writer = ArchiveWriter(file, KEY, SALT)
    writer.manifest(PARTITIONS, MADE_AT)
    writer.begin("accounts")
    writer.entry(b"someone")
    writer.end()
    writer.finish()
    assert survey(file, KEY).other_parts == {"accounts": 1}
    target = await empty()
    with pytest.raises(RestoreRefused, match="accounts"):
        await restore(target, file, KEY)
    assert await is_untouched(target)
