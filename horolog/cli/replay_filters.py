"""Which records `horolog replay` shows: the filters, and which topics and partitions can hold what passes them.

Guarantee: a record is judged by what it says of itself (its type, its ids, its time), never by where it was found;
leaving out places only saves reading what could not pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from horolog.cli.problems import wrong_use
from horolog.log.port import Place, Record
from schemas.codec import type_of
from schemas.events.workers import SYSTEM_TENANT
from schemas.registry import MESSAGES_OF_TOPIC, MODEL_OF_TYPE
from schemas.topics import (
    ANALYTICS,
    CHECKPOINTS,
    CONTROL,
    DLQ,
    JOB_TABLE,
    OUTPUT,
    TASKS,
    TENANTS,
    TOPICS,
    WORKERS,
    Topic,
    partition_of,
)

TYPE_PREFIX = "io.horolog."
UNASKED = (JOB_TABLE, TENANTS, WORKERS, CHECKPOINTS, OUTPUT, ANALYTICS)
"""Topics that are read only when they are named: what follows from the others or is told by them too, signs of life."""
_BY_INBOX = (TASKS, CONTROL)
_OF_THE_SYSTEM = (WORKERS, CHECKPOINTS, DLQ)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXECUTION_NAMES = ("executionId", "fireId", "missId")


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with its time, its type and its data as JSON; the last two are None where it has none."""

    record: Record
    at: datetime
    type: str | None
    data: Any


@dataclass(frozen=True, slots=True)
class Filters:
    """All given conditions must hold. `since` is inclusive, `until` exclusive; types are `short_type` words."""

    tenant: str | None = None
    job: str | None = None
    execution: str | None = None
    types: Sequence[str] = ()
    topics: Sequence[Topic] = field(default=())
    since: datetime | None = None
    until: datetime | None = None

    def accepts(self, entry: Entry) -> bool:
        """Whether the record is asked for."""
        data = entry.data if isinstance(entry.data, dict) else {}
        return (
            (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
            and (not self.types or (entry.type is not None and short_type(entry.type) in self.types))
            and self.tenant in (None, _tenant_of(data))
            and self.job in (None, _job_of(data))
            and (self.execution is None or self.execution in [data.get(name) for name in _EXECUTION_NAMES])
        )

    def places(self, partition_count: int) -> list[Place]:
        """Everywhere that a record which passes can be."""
        return [
            Place(topic.name, partition)
            for topic in self.topics or _topics_of(self.types)
            for partition in self._partitions(topic, partition_count)
        ]

    def _partitions(self, topic: Topic, count: int) -> Sequence[int]:
        if self.tenant is None or topic in _BY_INBOX:
            return range(count)
        if topic in _OF_THE_SYSTEM and self.tenant != SYSTEM_TENANT:
            return ()
        return range(count) if self.tenant == SYSTEM_TENANT else [partition_of(self.tenant, count)]


def entry_of(record: Record) -> Entry:
    """A record, looked into as far as it can be; records of strangers pass through as well."""
    try:
        data = None if record.value is None else orjson.loads(record.value)
    except orjson.JSONDecodeError:
        data = None
    return Entry(record, _time_of(record), type_of(record.headers), data)


def short_type(type_: str) -> str:
    """`job.updated` of `io.horolog.job.updated.v1`; other types stay as they are."""
    head, _, version = type_.rpartition(".")
    ours = type_.startswith(TYPE_PREFIX) and version[:1] == "v" and version[1:].isdecimal()
    return head.removeprefix(TYPE_PREFIX) if ours else type_


def known_types(words: Sequence[str]) -> list[str]:
    """The short types that the words mean: a whole type, its short form, or a group such as `job`.

    Raises:
        CliProblem: a word means none.
    """
    known = sorted({short_type(type_) for type_ in MODEL_OF_TYPE})
    meant: list[str] = []
    for word in map(short_type, words):
        found = [name for name in known if name == word or name.startswith(f"{word}.")]
        if not found:
            raise wrong_use(f"There is no type {word[:80]!r}.", f"Types: {', '.join(known)}")
        meant += found
    return meant


def known_topics(words: Sequence[str]) -> list[Topic]:
    """The topics of that name, with or without the version.

    Raises:
        CliProblem: there is none.
    """
    found = {name: topic for topic in TOPICS for name in (topic.name, topic.name.partition(".")[0])}
    for word in words:
        if word not in found:
            raise wrong_use(f"There is no topic {word[:80]!r}.", f"Topics: {', '.join(t.name for t in TOPICS)}")
    return list(dict.fromkeys(found[word] for word in words))


def _topics_of(types: Sequence[str]) -> list[Topic]:
    if not types:
        return [topic for topic in TOPICS if topic not in UNASKED]
    carrying = {topic for topic, models in MESSAGES_OF_TOPIC.items() for m in models if short_type(m.TYPE) in types}
    return [topic for topic in TOPICS if topic in carrying]


def _tenant_of(data: dict[str, Any]) -> Any:
    # Left out where it is the system's, as it is the default of these types.
    return data.get("tenantId", SYSTEM_TENANT)


def _job_of(data: dict[str, Any]) -> Any:
    job = data.get("job")
    return data.get("jobId") or (job.get("jobId") if isinstance(job, dict) else None)


def _time_of(record: Record) -> datetime:
    """When the writer says that it happened; where it says nothing sensible, when the record was written."""
    told = next((value for name, value in record.headers if name == "ce_time"), b"")
    try:
        return datetime.fromisoformat(told.decode()).astimezone(UTC)
    except (ValueError, OverflowError):
        return _written_at(record)


def _written_at(record: Record) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=record.timestamp_ms)
    except OverflowError:
        return _EPOCH
