"""The published vectors of the partitioner: others test their clients with them, so they never change and are right."""

import json
from typing import Any

from aiokafka.partitioner import DefaultPartitioner

from schemas.topics import murmur2, partition_of
from tests.tidy.tree import ROOT
from tests.unit.schemas.test_topics import KAFKA_VECTORS

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/golden/partitions.json").read_text(encoding="utf-8"))[
    "vectors"
]


def test_the_vectors_are_what_we_compute() -> None:
    for vector in VECTORS:
        key = vector["key"]
        assert murmur2(key.encode()) == vector["murmur2"] & 0xFFFFFFFF
        assert {count: partition_of(key, int(count)) for count in vector["partitions"]} == vector["partitions"]


def test_the_vectors_are_what_a_kafka_client_computes() -> None:
    theirs = DefaultPartitioner()
    for vector in VECTORS:
        for count, partition in vector["partitions"].items():
            partitions = list(range(int(count)))
            assert theirs(vector["key"].encode(), partitions, partitions) == partition


def test_the_vectors_begin_with_those_of_kafka_itself_and_reach_every_partition() -> None:
    assert [(one["key"].encode(), one["murmur2"]) for one in VECTORS[: len(KAFKA_VECTORS)]] == list(KAFKA_VECTORS)
    assert {one["partitions"]["4"] for one in VECTORS} == set(range(4))
    assert {one["murmur2"] < 0 for one in VECTORS} == {True, False}
