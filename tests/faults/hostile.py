"""Well-formed records with hostile contents: samples of what an owner reads, with some of their leaves replaced."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from schemas.base import Message
from schemas.codec import headers_of
from schemas.registry import TOPIC_OF_MODEL
from schemas.topics import COMMANDS, FIRES, JOB_TABLE, RESULTS
from tests.unit.deciding.kit import START, TENANT, uuid_of
from tests.unit.schemas.samples import samples

VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 1 << 31, 1 << 63, 10**30, 1e308, [], {}, {"a": [{"b": 1}]}),
    *("", "\x00", "a\x00b", "x" * 5000, "\u202e", "worker-a", TENANT, uuid_of(1), uuid_of(2)),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-03-01T12:00:01Z", "* * * * * *", "@daily", "Asia/Tokyo"),
)
OWNERS_INPUTS = (COMMANDS, FIRES, RESULTS, JOB_TABLE)

Written = tuple[str, bytes, tuple[tuple[str, bytes], ...]]
"""A record's topic, value and headers."""


def hostile_records(execution_id: str) -> st.SearchStrategy[Sequence[Written]]:
    """Some records about the tenant, its first job and this execution, with up to three leaves replaced in each."""
    inputs = [message for message in samples() if TOPIC_OF_MODEL[type(message)] in OWNERS_INPUTS]
    change = st.tuples(st.integers(0, 1000), st.sampled_from(VALUES))
    record = st.tuples(st.sampled_from(inputs), st.lists(change, max_size=3))
    return st.lists(record.map(lambda drawn: _written(drawn[0], drawn[1], execution_id)), min_size=1, max_size=6)


def _written(message: Message, changes: Sequence[tuple[int, Any]], execution_id: str) -> Written:
    known = {
        "tenantId": TENANT,
        "jobId": uuid_of(1),
        "executionId": execution_id,
        "workerId": "worker-a",
        "attempt": 1,
        "expectedVersion": 1,
    }
    data = json.loads(message.to_json())
    for holder, key in list(_leaves(data)):
        if key in known:
            holder[key] = known[key]
    for index, value in changes:
        leaves = list(_leaves(data))
        holder, key = leaves[index % len(leaves)]
        # A copy: a value that is put into itself would have no end.
        holder[key] = copy.deepcopy(value)
    topic = TOPIC_OF_MODEL[type(message)].name
    return topic, json.dumps(data).encode(), headers_of(message, "test", START)


def _leaves(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON document: what holds it, and under which key or index."""
    keys = data.keys() if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        yield data, key
        yield from _leaves(data[key])
