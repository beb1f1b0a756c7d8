"""A real broker from its jars: transactions work, records survive, a lost node comes back, no orphans."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.cluster import LocalKafka
from horolog.adapters.servers import ServerUnavailable
from horolog.adapters.servers.process import await_end
from tests.integration.servers.conftest import DEADLINE_S, HoldServer, held_process

pytestmark = pytest.mark.kafka


async def _create_topic(bootstrap: str, copies: int) -> int:
    """Create topic `t` and return how many brokers the cluster has."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        cluster = await admin.describe_cluster()
        await admin.create_topics([NewTopic("t", 2, copies)])
    finally:
        await admin.close()
    return len(cluster["brokers"])


async def _commit(bootstrap: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="writer", max_request_size=12_000_000)
    async with asyncio.timeout(DEADLINE_S), producer, producer.transaction():
        await asyncio.gather(*[await producer.send("t", value) for value in values])


async def _read(bootstrap: str, count: int) -> set[bytes]:
    consumer = AIOKafkaConsumer(
        "t",
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    async with asyncio.timeout(DEADLINE_S), consumer:
        return {(await consumer.getone()).value for _ in range(count)}


async def test_committed_records_survive_stop_and_start(tmp_path: Path) -> None:
    # The id is one of those that look like an option to the command that formats the disk.
    (tmp_path / "cluster.json").write_text('{"id": "-kU3OEVBNTcwNTJENDM2Qg", "nodes": 1, "ports": []}')
    kafka = LocalKafka(tmp_path)
    with kafka:
        assert await _create_topic(kafka.bootstrap, copies=1) == 1
        await _commit(kafka.bootstrap, [b"a", b"b", b"x" * 11_000_000])
        with pytest.raises(ServerUnavailable, match="Another supervisor"):
            LocalKafka(tmp_path).start()
    with LocalKafka(tmp_path) as again:
        assert again.bootstrap == kafka.bootstrap
        assert {value[:1] for value in await _read(again.bootstrap, 3)} == {b"a", b"b", b"x"}


@pytest.mark.slow
async def test_three_nodes_keep_accepting_while_one_is_dead(tmp_path: Path) -> None:
    with LocalKafka(tmp_path, nodes=3) as kafka:
        assert await _create_topic(kafka.bootstrap, copies=3) == 3
        await _commit(kafka.bootstrap, [b"before"])
        kafka.kill_node(2)
        await _commit(kafka.bootstrap, [b"during"])
        kafka.restart_node(2)
        await _commit(kafka.bootstrap, [b"after"])
        assert await _read(kafka.bootstrap, 3) == {b"before", b"during", b"after"}


def test_killed_supervisor_leaves_no_broker(tmp_path: Path, hold_server: HoldServer) -> None:
    holder = hold_server("kafka", tmp_path)
    broker = held_process(holder)
    holder.kill()
    assert await_end(broker, DEADLINE_S)


def test_directory_of_another_cluster_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cluster.json").write_text('{"id": "x", "nodes": 3, "ports": []}')
    with pytest.raises(ServerUnavailable, match="a cluster of 3 nodes, not 1"):
        LocalKafka(tmp_path).start()
