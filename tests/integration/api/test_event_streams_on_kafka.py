"""Streams over a real broker: facts in transactions, whose marks leave gaps, and ids that lead into the middle."""

import os
from collections.abc import AsyncIterator

import pytest

from horolog.log.kafka import KafkaLog, KafkaSettings
from tests.unit.api.output_streaming import completed, follow, printed, rest, show, texts
from tests.unit.api.streaming import Facts, all_told, listen
from tests.unit.api.streaming import progressed as fact
from tests.unit.projections.facts import HOME, PARTITIONS, changed, job, outgoing

pytestmark = pytest.mark.kafka
COUNT = 30


@pytest.fixture
async def kafka_log(kafka_bootstrap: str) -> AsyncIterator[KafkaLog]:
    log = await KafkaLog.open(KafkaSettings(kafka_bootstrap, f"streams-{os.getpid()}.", PARTITIONS))
    await log.create_topics()
    yield log
    await log.close()


@pytest.mark.timeout(180)
async def test_a_stream_is_gone_on_with_exactly_from_every_event(kafka_log: KafkaLog) -> None:
    facts = Facts(kafka_log)
    desk = facts.desk()
    listening = await listen(desk)
    writer = await kafka_log.open_writer("dispatcher", HOME)
    for number in range(COUNT):
        await writer.commit([outgoing(fact(number)), outgoing(changed(job(number)))])
    await facts.show()
    ids = [listening.id]
    for _ in range(2 * COUNT):
        await listening.next()
        ids.append(listening.id)
    for passed in range(0, 2 * COUNT + 1, 7):
        told, _ = await all_told(desk, ids[passed])
        assert len(told) == 2 * COUNT - passed
    runs = frozenset({"attempt.progressed"})
    again = await listen(desk, ids[0], types=runs)
    assert await again.progress(COUNT) == list(range(COUNT))
    await writer.commit([outgoing(fact(COUNT))])
    await facts.show()
    assert await again.progress(1) == [COUNT]
    for one in (listening, again):
        await one.close()
    await desk.close()
    await writer.close()


@pytest.mark.timeout(180)
async def test_what_a_run_prints_is_told_from_its_beginning_and_gone_on_with_from_every_piece(
    kafka_log: KafkaLog,
) -> None:
    facts = Facts(kafka_log)
    desk = facts.desk()
    await show(facts)
    pieces = [printed(f"{number:03d}\n", 4 * number) for number in range(COUNT)]
    await facts.write(*pieces[: COUNT // 2])
    listening = await follow(facts, desk)
    ids = [listening.id]
    for number in range(COUNT):
        if number == COUNT // 2:
            await facts.write(*pieces[COUNT // 2 :])
        assert await texts(listening, 1) == [("stdout", 4 * number, f"{number:03d}\n")]
        ids.append(listening.id)
    for passed in range(0, COUNT + 1, 7):
        assert len(await rest(await follow(facts, desk, ids[passed], goes_on=False))) == COUNT - passed
    writer = await kafka_log.open_writer("dispatcher", HOME)
    await writer.commit([outgoing(completed())])
    await show(facts, "completed", result={"stdout": "".join(piece.text for piece in pieces) + "end"})
    assert await rest(listening) == ["end"]
    await desk.close()
    await writer.close()
