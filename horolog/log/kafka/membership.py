"""Sharing out a role's partitions through a consumer group that consumes nothing.

Guarantee: `owned` is what the group gave to this member last. It stays as it is while a rebalance is under way, so
that a partition that stays is not interrupted; until everybody has heard of a change two members may name the same
partition theirs, and fencing decides. `owned` is empty from when the group has told this member that it counts as
gone, or from any failure of the consumer, until it has joined anew; no failure ends that, whatever its kind.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.protocol.group import JoinGroupRequest

from horolog.log.kafka.clients import UNREACHABLE, Bin, discard_consumer, new_consumer
from horolog.log.kafka.settings import KafkaSettings
from schemas.topics import CHECKPOINTS

POLL_S = 1.0
REJOIN_S = 0.5
POLL_INTERVAL_MS_MAX = 60_000

_logger = logging.getLogger(__name__)


class KafkaMembership:
    """Implements `Membership`. The generation rises with every assignment, also when the share stays the same.

    So who was fenced may open a new writer when the generation has risen and the partition is still owned.
    """

    def __init__(self, name: str, topic: str, connect: Callable[[], AIOKafkaConsumer], bin_: Bin) -> None:
        """Take part as `name`, with consumers that `connect` makes, in sharing out the partitions of `topic`."""
        self._name = name
        self._topic = topic
        self._connect = connect
        self._bin = bin_
        self._owned: frozenset[int] = frozenset()
        self._generation = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._consumer: AIOKafkaConsumer | None = None
        self._left = False
        self._task = asyncio.get_running_loop().create_task(self._take_part())

    @property
    def owned(self) -> frozenset[int]:
        return self._owned

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def left(self) -> bool:
        """Whether `leave` was called."""
        return self._left

    async def changed(self, generation: int) -> None:
        while self._generation == generation:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)

    async def leave(self) -> None:
        """As the port says; waits until the coordinator has heard of it, for some seconds at most."""
        if self._left:
            return
        self._left = True
        self._task.cancel()
        await asyncio.wait((self._task,))
        self._hold(frozenset())
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await discard_consumer(consumer)

    def _hold(self, partitions: frozenset[int]) -> None:
        if self._left and partitions:
            return
        self._owned = partitions
        self._generation += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _take_part(self) -> None:
        while True:
            consumer = self._consumer = self._connect()
            try:
                await consumer.start()
                consumer.subscribe([self._topic], listener=_Listener(consumer, self._hold, self._lose))
                while True:
                    # Polling shows the group that this member is alive, and brings the coordinator's errors to light.
                    await consumer.getmany(timeout_ms=int(POLL_S * 1000))
            except UNREACHABLE as error:
                _logger.warning("%s has to join its group anew: %r", self._name, error)
            except Exception:
                # Were this the end, the partitions would be this member's for ever, whoever else is there.
                _logger.exception("%s has to join its group anew after a defect", self._name)
            self._consumer = None
            self._bin.consumer(consumer)
            self._lose()
            await asyncio.sleep(REJOIN_S)

    def _lose(self) -> None:
        if self._owned:
            self._hold(frozenset())


def join(settings: KafkaSettings, role: str, member: str, bin_: Bin) -> KafkaMembership:
    """Take part in the group of a role."""

    def connect() -> AIOKafkaConsumer:
        # The assignor keeps its memory on its class, which all groups of a process would share.
        assignor = type("MemberAssignor", (_Assignor,), {})
        return new_consumer(
            settings,
            f"{role}.{member}",
            group_id=settings.prefix + role,
            partition_assignment_strategy=(assignor,),
            auto_offset_reset="latest",
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            max_poll_interval_ms=POLL_INTERVAL_MS_MAX,
            # A join is answered when the rebalance is over, so it may take as long as that.
            request_timeout_ms=max(settings.request_timeout_ms, 2 * settings.rebalance_timeout_ms),
        )

    return KafkaMembership(f"{role}.{member}", settings.topic(CHECKPOINTS.name), connect, bin_)


class _Assignor(StickyPartitionAssignor):  # type: ignore[misc] # aiokafka is untyped
    """Shares out nothing rather than too little.

    A broker that has not heard of a new topic yet would have the leader leave everybody without partitions, until the
    next look at the metadata in minutes. The failure ends this member's turn instead, and it joins anew.
    """

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> Any:
        """Share the topic's partitions out among the members."""
        topics = {topic for member in members.values() for topic in member.subscription}
        if not all(cluster.partitions_for_topic(topic) for topic in topics):
            raise UnknownTopicOrPartitionError(f"the broker does not know all of {sorted(topics)}")
        return super().assign(cluster, members)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is untyped
    """Takes note of assignments, first of all: the library would only log what fails here."""

    def __init__(
        self, consumer: AIOKafkaConsumer, hold: Callable[[frozenset[int]], None], lose: Callable[[], None]
    ) -> None:
        self._consumer = consumer
        self._hold = hold
        self._lose = lose

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """A rebalance has begun; what it brings is not known yet.

        But a member that has lost its name was taken for dead, and others have its partitions since: it was stopped,
        or cut off, for longer than a session.
        """
        coordinator = self._consumer._coordinator
        if coordinator.member_id == JoinGroupRequest.UNKNOWN_MEMBER_ID:
            self._lose()
            # Were it to claim what it once had, the library would take that from who has it now.
            for assignor in coordinator._assignors:
                assignor.member_assignment = None

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """A rebalance has ended. Paused partitions are not fetched: the group is only for sharing out."""
        self._hold(frozenset(partition.partition for partition in assigned))
        self._consumer.pause(*assigned)
