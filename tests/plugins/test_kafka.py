"""The broker under the tests answers."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient


async def test_private_broker_answers(kafka_bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        cluster = await admin.describe_cluster()
    finally:
        await admin.close()
    assert cluster["brokers"]
