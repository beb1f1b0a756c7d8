"""A client of the topics, written from `docs/wire.md` with librdkafka: nothing of the product is imported here.

What it sends and what it reads is judged by the published schemas, as a program in another language would.
"""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaException, Message, Producer
from jsonschema import Draft202012Validator

DOCS = Path(__file__).resolve().parents[3] / "docs"
ANSWER_S_MAX = 60.0
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Fact:
    """One record that was read, with its topic's name without prefix."""

    topic: str
    partition: int
    key: str
    type: str
    value: Mapping[str, Any]


class World(NamedTuple):
    """What a program asks its system for: the time, in UTC, and a UUID of its own."""

    now: Callable[[], datetime]
    new_id: Callable[[], str]


class Stranger:
    """Writes commands of one tenant, sealed with a key of its own, and reads what comes of them."""

    def __init__(self, world: World, bootstrap: str, prefix: str, tenant_id: str, key: str) -> None:
        self._world = world
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._tenant_id = tenant_id
        self._key = key
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "acks": "all",
                "allow.auto.create.topics": False,
            }
        )

    def command(self, type_: str, **fields: Any) -> dict[str, Any]:
        """A command with what all of them have."""
        asked = {
            "tenantId": self._tenant_id,
            "commandId": self._world.new_id(),
            "actor": "service:stranger",
            "issuedAt": self._world.now().isoformat(),
            **fields,
        }
        schema_of(type_).validate(asked)
        return asked

    def send(self, type_: str, asked: Mapping[str, Any], about: str, key: str | None = None) -> int:
        """Write a command, sealed with that key; the partition that it came to, once it is durable there."""
        written: list[int] = []
        value = json.dumps(asked).encode()

        def delivered(error: object, message: Message) -> None:
            assert error is None, f"the command was not taken: {error}"
            partition = message.partition()
            assert partition is not None
            written.append(partition)

        headers = {
            "ce_specversion": "1.0",
            "content-type": "application/json",
            "ce_type": type_,
            "ce_id": asked["commandId"],
            "ce_source": "stranger/1",
            "ce_time": self._world.now().isoformat(),
            "ce_subject": about,
            "horolog-seal": seal_of(key or self._key, type_, value),
        }
        self._producer.produce(
            f"{self._prefix}commands.v1",
            key=self._tenant_id,
            value=value,
            headers={name: text.encode() for name, text in headers.items()},
            on_delivery=delivered,
        )
        assert self._producer.flush(ANSWER_S_MAX) == 0
        return written[0]

    def facts_until(self, topics: tuple[str, ...], is_last: Callable[[Fact], bool]) -> list[Fact]:
        """The tenant's facts from the beginning of these topics up to the first that is the last one wanted."""
        found: list[Fact] = []
        with self._reading(topics) as facts:
            for fact in facts:
                found.append(fact)
                if is_last(fact):
                    return found
        shown = "\n".join(f"{fact.topic} {fact.type}" for fact in found)
        raise AssertionError(f"what was waited for did not come; there was:\n{shown}")

    @contextmanager
    def _reading(self, topics: tuple[str, ...]) -> Iterator[Iterator[Fact]]:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": f"stranger-{self._world.new_id()}",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "allow.auto.create.topics": False,
            }
        )
        try:
            consumer.subscribe([self._prefix + topic for topic in topics])
            yield self._facts(consumer)
        finally:
            consumer.close()

    def _facts(self, consumer: Consumer) -> Iterator[Fact]:
        until = time.monotonic() + ANSWER_S_MAX
        while time.monotonic() < until:
            message = consumer.poll(POLL_S)
            if message is None:
                continue
            if message.error() is not None:
                raise KafkaException(message.error())
            fact = self._fact(message)
            if fact.value["tenantId"] == self._tenant_id or fact.topic == "dlq.v1":
                yield fact

    def _fact(self, message: Message) -> Fact:
        told: Any = message.headers() or ()
        headers = {name: text.decode() for name, text in told}
        topic, partition, value = message.topic(), message.partition(), message.value()
        assert topic is not None
        assert partition is not None
        assert value is not None
        assert (headers["ce_specversion"], headers["content-type"]) == ("1.0", "application/json")
        fact = Fact(
            topic.removeprefix(self._prefix),
            partition,
            (message.key() or b"").decode(),
            headers["ce_type"],
            json.loads(value),
        )
        schema_of(fact.type).validate(fact.value)
        return fact


def seal_of(key: str, type_: str, value: bytes) -> str:
    """The seal on a command."""
    told = f"commands.v1\n{type_}\n".encode() + value
    return "v1," + base64.b64encode(hmac.digest(key.encode(), told, "sha256")).decode()


@cache
def schema_of(type_: str) -> Draft202012Validator:
    """The published schema of a type."""
    return Draft202012Validator(json.loads((DOCS / "schemas" / f"{type_}.json").read_text(encoding="utf-8")))
