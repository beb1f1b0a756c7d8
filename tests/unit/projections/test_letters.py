"""Dead letters: each refused record is told once, with its reason, whoever tried before."""

import base64
from dataclasses import replace

from horolog.adapters.system import SystemClock
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Log, Outgoing, Place, Record
from projections.fold import Refusal
from projections.letters import SOURCE, DeadLetters
from schemas.codec import decode
from schemas.events.owners import RecordRefused
from schemas.events.workers import SYSTEM_TENANT
from schemas.topics import DLQ, EXECUTIONS, partition_of
from tests.unit.projections.facts import HOME, PARTITIONS, admitted, record

PLACE = Place(DLQ.name, partition_of(SYSTEM_TENANT, PARTITIONS))
EXECUTIONS_HOME = Place(EXECUTIONS.name, HOME)
FROM_THE_START = {EXECUTIONS_HOME: 0}


def open_log() -> EmbeddedLog:
    return EmbeddedLog.open(None, SystemClock(), PARTITIONS)


def refusal(offset: int, reason: str = "no good") -> Refusal:
    return Refusal(record(admitted(), offset), reason)


async def letters(log: Log) -> list[RecordRefused]:
    end = (await log.ends([PLACE]))[PLACE]
    told: list[Record] = [r async for batch in log.scan(PLACE, 0, end) for r in batch]
    decoded = [decode(r.topic, r.headers, r.value) for r in told if r.headers]
    return [letter for letter in decoded if isinstance(letter, RecordRefused)]


async def test_letter_names_the_record_the_reason_and_the_value() -> None:
    log = open_log()
    await DeadLetters(log, SystemClock()).tell([refusal(7, "no\x00good")], FROM_THE_START)
    (letter,) = await letters(log)
    assert (letter.subject(), letter.reason, letter.refused_by) == (f"executions.v1/{HOME}/7", "no good", SOURCE)
    assert base64.b64decode(letter.value_base64) == admitted().to_json()
    await log.close()


async def test_long_value_and_long_reason_are_cut() -> None:
    log = open_log()
    long = Refusal(replace(record(admitted()), value=b"x" * 100_000), "y" * 5000)
    await DeadLetters(log, SystemClock()).tell([long], FROM_THE_START)
    (letter,) = await letters(log)
    assert (letter.value_bytes, len(letter.reason)) == (100_000, 2000)
    assert base64.b64decode(letter.value_base64) == b"x" * 65_536
    await log.close()


async def test_record_without_a_value_has_an_empty_letter() -> None:
    log = open_log()
    await DeadLetters(log, SystemClock()).tell(
        [Refusal(replace(record(admitted()), value=None), "none")], FROM_THE_START
    )
    assert [(letter.value_base64, letter.value_bytes) for letter in await letters(log)] == [("", 0)]
    await log.close()


async def test_what_a_predecessor_told_is_not_told_again() -> None:
    log = open_log()
    await DeadLetters(log, SystemClock()).tell([refusal(3), refusal(5)], FROM_THE_START)
    successor = DeadLetters(log, SystemClock())
    await successor.tell([refusal(3), refusal(4)], FROM_THE_START)
    await successor.tell([refusal(4), refusal(5), refusal(6)], {EXECUTIONS_HOME: 4})
    assert [letter.offset for letter in await letters(log)] == [3, 5, 4, 6]
    await log.close()


async def test_letters_of_others_do_not_count_as_told() -> None:
    log = open_log()
    await DeadLetters(log, SystemClock()).tell([refusal(3)], FROM_THE_START)
    end = (await log.ends([PLACE]))[PLACE]
    (ours,) = [r async for batch in log.scan(PLACE, 0, end) for r in batch]
    other = open_log()
    headers = tuple(
        ("ce_source", b"horolog/dispatcher") if name == "ce_source" else (name, v) for name, v in ours.headers
    )
    strange = [Outgoing(*PLACE, b"\xff", b"?"), Outgoing(*PLACE, b"a/b", b"?", (("ce_source", SOURCE.encode()),))]
    await other.append([Outgoing(*PLACE, ours.key, ours.value, headers), strange[0]])
    await DeadLetters(other, SystemClock()).tell([refusal(3)], FROM_THE_START)
    assert [letter.refused_by for letter in await letters(other)] == [SOURCE, SOURCE]
    await log.close()
    await other.close()


async def test_refusals_before_the_given_positions_have_been_told() -> None:
    log = open_log()
    rebuilding = DeadLetters(log, SystemClock(), {EXECUTIONS_HOME: 5})
    await rebuilding.tell([refusal(4), refusal(5)], FROM_THE_START)
    assert [letter.offset for letter in await letters(log)] == [5]
    await log.close()
