"""A member of a Kafka group whose consumer fails: it lets go of everything, and joins anew, whatever the failure."""

import asyncio
import logging
from dataclasses import dataclass, field

import pytest
from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaConnectionError

from horolog.log.kafka.clients import Bin
from horolog.log.kafka.membership import KafkaMembership
from tests.unit.owning.virtual import play

TOPIC = "checkpoints"
SHARE = {TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 3)}


@dataclass
class Assignor:
    """What the member will claim when it joins anew."""

    member_assignment: object = "what it has"


@dataclass
class Coordinator:
    """What the member is called in the group; nothing when the group no longer knows it."""

    member_id: str = "a-1"
    _assignors: list[Assignor] = field(default_factory=lambda: [Assignor()])

    @property
    def claims(self) -> list[object]:
        return [assignor.member_assignment for assignor in self._assignors]


@dataclass
class Consumer:
    """Is given a share as soon as it subscribes; a poll lasts until it is told to fail."""

    failure: asyncio.Future[None] = field(default_factory=asyncio.Future)
    stopped: bool = False
    listener: ConsumerRebalanceListener | None = None
    _coordinator: Coordinator = field(default_factory=Coordinator)

    async def start(self) -> None:
        """Nothing to do."""

    def subscribe(self, topics: list[str], listener: ConsumerRebalanceListener) -> None:
        assert topics == [TOPIC]
        self.listener = listener
        listener.on_partitions_assigned(SHARE)

    def pause(self, *partitions: TopicPartition) -> None:
        assert set(partitions) == SHARE

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[object]]:
        await self.failure
        return {}

    async def stop(self) -> None:
        self.stopped = True

    def lose_name(self) -> Coordinator:
        """As when the group has taken the member for dead, and it learns of that."""
        assert self.listener is not None
        self._coordinator.member_id = ""
        self.listener.on_partitions_revoked(SHARE)
        return self._coordinator


@dataclass
class Group:
    """The consumers that a member has made, and the member."""

    consumers: list[Consumer] = field(default_factory=list)
    bin: Bin = field(default_factory=Bin)

    def join(self) -> KafkaMembership:
        return KafkaMembership("ticker.a", TOPIC, self._connect, self.bin)

    def _connect(self) -> Consumer:
        self.consumers.append(Consumer())
        return self.consumers[-1]


@pytest.mark.parametrize(
    ("failure", "level"), [(ZeroDivisionError(), logging.ERROR), (KafkaConnectionError(), logging.WARNING)]
)
def test_member_whose_consumer_fails_lets_go_and_joins_anew(
    failure: Exception, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        group = Group()
        member = group.join()
        await member.changed(0)
        assert member.owned == {0, 3}
        group.consumers[0].failure.set_exception(failure)
        await member.changed(1)
        assert member.owned == frozenset()
        await member.changed(2)
        assert member.owned == {0, 3}
        await group.bin.emptied()
        assert [consumer.stopped for consumer in group.consumers] == [True, False]
        await member.leave()

    play(scenario())
    assert [record.levelno for record in caplog.records if "anew" in record.message] == [level]


def test_member_that_lost_its_name_owns_nothing_until_it_is_given_a_share_again() -> None:
    async def scenario() -> None:
        group = Group()
        member = group.join()
        await member.changed(0)
        listener = group.consumers[0].listener
        assert listener is not None
        listener.on_partitions_revoked(SHARE)
        assert (set(member.owned), member.generation) == ({0, 3}, 1)
        coordinator = group.consumers[0].lose_name()
        assert coordinator.claims == [None]
        assert (set(member.owned), member.generation) == (set(), 2)
        listener.on_partitions_assigned(SHARE)
        assert (set(member.owned), member.generation) == ({0, 3}, 3)
        await member.leave()

    play(scenario())


def test_member_that_left_takes_no_share_any_more() -> None:
    async def scenario() -> None:
        group = Group()
        member = group.join()
        await member.changed(0)
        await member.leave()
        consumer = group.consumers[0]
        assert (consumer.stopped, member.owned) == (True, frozenset())
        assert consumer.listener is not None
        consumer.listener.on_partitions_assigned(SHARE)
        assert member.owned == frozenset()

    play(scenario())
