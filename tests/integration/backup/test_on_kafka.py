"""A backup moves between logs: from an embedded one to Kafka, and from Kafka, with its markers, to an embedded one."""

import os

import pytest

from horolog.backup.records import places_in_order
from horolog.backup.restoring import OWNER_ROLES, RestoreRefused, restore
from horolog.cli.backup_source import SettledKafka
from horolog.log.checkpoints import newest_checkpoint
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Place
from schemas.topics import CHECKPOINTS, DLQ, EXECUTIONS, FIRES
from tests.unit.backup.test_sealing import KEY
from tests.unit.backup.world import INPUTS, archived, content, empty, from_position, history
from tests.unit.projections.facts import HOME, PARTITIONS, admitted, checkpoint, outgoing

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
COUNT = 50
UNTRANSLATED = [place for place in places_in_order(PARTITIONS) if place.topic not in (DLQ.name, CHECKPOINTS.name)]


async def opened(bootstrap: str, name: str) -> KafkaLog:
    return await KafkaLog.open(KafkaSettings(bootstrap, f"backup-{name}-{os.getpid()}.", PARTITIONS))


async def test_embedded_log_is_restored_into_kafka_and_its_owners_go_on(kafka_bootstrap: str) -> None:
    source, target = await history(), await opened(kafka_bootstrap, "to")
    file, _ = await archived(source)
    await restore(target, file, KEY)
    for place in UNTRANSLATED:
        before, after = await content(source, place), await content(target, place)
        assert [(r.key, r.value, r.headers) for r in after] == [(r.key, r.value, r.headers) for r in before], place
    dispatcher = await newest_checkpoint(target, "dispatcher", HOME)
    assert dispatcher is not None
    for topic, old in INPUTS.items():
        place = Place(topic, HOME)
        assert await from_position(target, place, dispatcher.positions[topic]) == await from_position(
            source, place, old
        )
    writers = [await target.open_writer(role, HOME) for role in OWNER_ROLES]
    await writers[1].commit([outgoing(admitted(5000))])
    with pytest.raises(RestoreRefused, match="not empty"):
        await restore(target, file, KEY)
    await target.close()


async def test_kafka_log_with_its_markers_is_restored_into_an_embedded_one(kafka_bootstrap: str) -> None:
    source, target = await opened(kafka_bootstrap, "from"), await empty()
    await source.create_topics()
    writer, ledger = await source.open_writer("dispatcher", HOME), Place(EXECUTIONS.name, HOME)
    for number in range(COUNT):
        await writer.commit([outgoing(admitted(number))])
    reached = [record.offset for record in await content(source, ledger)]
    positions = {FIRES.name: 0}
    told = checkpoint(3, role="dispatcher", positions=positions, replay_from=reached[COUNT // 2])
    await writer.commit([outgoing(told)])
    file, report = await archived(SettledKafka(source))
    await restore(target, file, KEY)
    assert report.record_counts[EXECUTIONS.name] == COUNT
    assert reached[-1] > COUNT, "there are markers between the records"
    here = await newest_checkpoint(target, "dispatcher", HOME)
    assert here is not None
    assert (here.replay_from, here.positions) == (COUNT // 2, positions)
    await source.close()
