"""The keys of records, as the services wrote them, are those that the AsyncAPI document tells."""

from collections.abc import Iterator

from horolog.cli.asyncapi import asyncapi_document
from schemas.base import Message
from schemas.codec import decode
from schemas.events.jobs import JobTabled
from schemas.events.owners import RecordRefused
from schemas.topics import (
    CHECKPOINTS,
    CONTROL,
    DLQ,
    EXECUTIONS,
    FIRES,
    JOB_TABLE,
    JOBS,
    OUTCOMES,
    RESULTS,
    TASKS,
    TENANT_CHANGES,
    TENANTS,
    WORKERS,
)
from tests.sim.plan import draw_plan
from tests.sim.world import World, played

MESSAGES = asyncapi_document()["components"]["messages"]
WRITTEN = {
    topic.name
    for topic in (
        *(CHECKPOINTS, CONTROL, DLQ, EXECUTIONS, FIRES, JOB_TABLE, JOBS, OUTCOMES),
        *(RESULTS, TASKS, TENANT_CHANGES, TENANTS, WORKERS),
    )
}
"""What services write that are simulated. Commands are their callers' own: the tests of the API look at these."""
SEED_COUNT_MAX = 20


def told_key(message: Message) -> str:
    """The key that a record of the message has by the document."""
    text: str = MESSAGES[type(message).__name__]["bindings"]["kafka"]["key"]["description"]
    if isinstance(message, RecordRefused):
        assert text.startswith("topic, partition and offset")
        return f"{message.topic}/{message.partition}/{message.offset}"
    about = message.job if isinstance(message, JobTabled) else message
    return str(getattr(about, text.replace(" ", "_")))


def written(world: World) -> Iterator[tuple[str, str, str]]:
    """Topic, key, and the key by the document, of each record that a service wrote."""
    for place, records in world.records().items():
        for record in records:
            if place.topic in WRITTEN and record.value is not None and record.value not in world.nemesis.poisoned:
                message = decode(record.topic, record.headers, record.value)
                yield place.topic, record.key.decode(), told_key(message)


def test_every_record_has_the_key_that_is_published_for_it() -> None:
    seen: set[str] = set()
    for seed in range(SEED_COUNT_MAX):
        found = list(written(played(draw_plan(seed))))
        assert [(topic, key, told) for topic, key, told in found if key != told] == []
        seen |= {topic for topic, _, _ in found}
        if seen == WRITTEN:
            break
    assert seen == WRITTEN
