"""The partitioner is that of Kafka's own clients, so a tenant lands on the same partition whoever writes."""

from random import Random

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as their_murmur2

from schemas.registry import MESSAGES_OF_TOPIC, MODEL_OF_TYPE, TOPIC_OF_MODEL
from schemas.topics import TOPICS, murmur2, partition_of

# From UtilsTest.testMurmur2 of Apache Kafka, where the results are signed.
KAFKA_VECTORS = (
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
)


@pytest.mark.parametrize(("key", "signed"), KAFKA_VECTORS)
def test_murmur2_gives_what_the_java_client_gives(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed & 0xFFFFFFFF


def test_murmur2_agrees_with_the_python_client_for_keys_of_every_length() -> None:
    random = Random(20260102)
    keys = [random.randbytes(length) for length in range(200) for _ in range(10)]
    assert [murmur2(key) for key in keys] == [their_murmur2(key) for key in keys]


def test_partition_of_agrees_with_the_python_clients_partitioner() -> None:
    random, theirs = Random(7), DefaultPartitioner()
    for count in (1, 2, 16, 50, 97):
        partitions = list(range(count))
        for _ in range(500):
            key = f"{random.getrandbits(128):032x}"
            assert partition_of(key, count) == theirs(key.encode(), partitions, partitions)


def test_tenants_are_spread_over_all_partitions() -> None:
    random = Random(3)
    counts = [0] * 16
    for _ in range(16_000):
        counts[partition_of(f"{random.getrandbits(128):032x}", 16)] += 1
    assert min(counts) > 800


def test_every_type_travels_on_one_topic_only() -> None:
    listed = [model for models in MESSAGES_OF_TOPIC.values() for model in models]
    assert len(listed) == len(set(listed)) == len(MODEL_OF_TYPE) == len(TOPIC_OF_MODEL)


def test_every_topic_carries_messages() -> None:
    assert set(TOPICS) == MESSAGES_OF_TOPIC.keys()
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)


def test_every_type_is_named_explicitly_and_versioned() -> None:
    assert all(name.startswith("io.horolog.") and name.rpartition(".v")[2].isdigit() for name in MODEL_OF_TYPE)
