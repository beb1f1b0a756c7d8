"""A log in memory, a migrated database, rules in it, and what makes and sends notifications between them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from horolog.adapters.notifications.http import HttpChannel
from horolog.adapters.system import RandomIds, SystemClock
from horolog.domain.addresses import Network, networks
from horolog.domain.notifications.deliveries import Delivery, DeliveryFilter
from horolog.domain.notifications.messages import trial_document_of
from horolog.domain.notifications.rules import ChannelType, KeptRule, Rule, Target
from horolog.domain.notifications.targets import target_json
from horolog.domain.notifications.wire import RENDERERS
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Place, Record
from horolog.runtime.egress import GuardedBackend, Resolver, guarded_transport
from horolog.vault.places import rule_place
from projections.connections import connect, open_pool
from projections.notifications import tables
from projections.notifications.consumer import Desk, starting
from projections.notifications.counters import NotifierCounters
from projections.notifications.outbox import Outbox
from projections.notifications.sender import Channel, Sender
from projections.notifications.store import PostgresNotifications
from schemas.base import Message
from tests.contract.vault.memory import MemoryVault
from tests.unit.api.world import HandClock
from tests.unit.notifications.telling import rule
from tests.unit.projections.facts import PARTITIONS, START, TENANT, outgoing

THIS_MACHINE = networks(["127.0.0.0/8"])
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ALL = frozenset(range(PARTITIONS))


@dataclass
class World:
    """What a test needs. Time stands still until a test moves it."""

    dsn: str
    log: EmbeddedLog
    store: PostgresNotifications
    pool: asyncpg.Pool
    vault: MemoryVault = field(default_factory=MemoryVault)
    clock: HandClock = field(default_factory=HandClock)
    ids: RandomIds = field(default_factory=RandomIds)

    async def write(self, *messages: Message) -> None:
        await self.log.append([outgoing(message) for message in messages])

    async def make(self, *messages: Message) -> None:
        """Write the messages, and make what is to be made of them."""
        await self.write(*messages)
        async with desk_of(self) as (desk, positions):
            await take_all(self, desk, positions)

    async def add_rule(self, target: Target, **changes: Any) -> Rule:
        """A rule that leads there."""
        made = rule(**{"id": self.ids.new(), **changes})
        key = await self.vault.sealing_key(made.tenant_id)
        sealed = key.seal(target_json(target), rule_place(made.tenant_id, made.id))
        assert await self.store.add_rule(KeptRule(made, sealed, 1, "user:test", START, START), 100)
        return made

    async def add_trial(self, made: Rule) -> str:
        """A delivery of the rule, due now; its id."""
        id_ = self.ids.new()
        kept = await self.store.rule(made.tenant_id, made.id)
        assert kept is not None
        await self.store.add_trial(kept, id_, trial_document_of(made, self.clock.now()), self.clock.now())
        return id_

    async def deliveries(self, tenant_id: str = TENANT, **where: Any) -> Sequence[Delivery]:
        return await self.store.deliveries(tenant_id, DeliveryFilter(**where), None, 100)

    async def delivery(self, id_: str, tenant_id: str = TENANT) -> Delivery:
        found = await self.store.delivery(tenant_id, id_)
        assert found is not None
        return found

    def sender(
        self, allowed: Sequence[Network] = THIS_MACHINE, channels: dict[ChannelType, Channel] | None = None
    ) -> Sender:
        """A sender of its own, as another process would have it."""
        found = channels_to(allowed, self.clock) if channels is None else channels
        return Sender(Outbox(self.pool), found, self.clock, lambda: 0.999, self.vault, NotifierCounters())

    async def send(self, **made_of: Any) -> Sender:
        """Send what is due, and wait for how that goes."""
        sender = self.sender(**made_of)
        while await sender.send_due():
            await sender.idle()
        return sender


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[World]:
    log = EmbeddedLog.open(None, SystemClock(), PARTITIONS)
    await log.create_topics()
    api_pool = await open_pool(dsn, 2)
    pool = await asyncpg.create_pool(
        dsn, min_size=0, max_size=4, server_settings={"search_path": tables.SCHEMA, "timezone": "UTC"}
    )
    try:
        yield World(dsn, log, PostgresNotifications(api_pool), pool)
    finally:
        await pool.close()
        await api_pool.close()
        await log.close()


@asynccontextmanager
async def desk_of(world: World) -> AsyncIterator[tuple[Desk, dict[Place, int]]]:
    """A desk with a connection of its own, and the positions as they are now."""
    connection = await connect(world.dsn, "test-notifier", tables.SCHEMA)
    try:
        desk = Desk(connection, PARTITIONS, world.clock, NotifierCounters())
        yield desk, await starting(desk.writer, world.log, ALL)
    finally:
        await connection.close(timeout=2)


async def unread(world: World, positions: dict[Place, int]) -> list[Record]:
    """Everything from the positions on."""
    ends = await world.log.ends(list(positions))
    found = [world.log.scan(place, start, ends[place]) for place, start in positions.items()]
    return [record for scan in found async for batch in scan for record in batch]


async def take_all(world: World, desk: Desk, positions: dict[Place, int]) -> int:
    """Make what there is to be made; how many deliveries."""
    records = await unread(world, positions)
    return await desk.take(records, positions) if records else 0


def channels_to(allowed: Sequence[Network], clock: HandClock) -> dict[ChannelType, Channel]:
    """The channels by HTTP, to public addresses and these networks."""
    context, resolver = httpx.create_ssl_context(trust_env=False), Resolver()

    def guarded(also_allowed: Sequence[str]) -> httpx.AsyncBaseTransport:
        return guarded_transport(GuardedBackend(resolver, (*allowed, *networks(also_allowed))), context, 0)

    return {type_: HttpChannel(render, guarded, clock) for type_, render in RENDERERS.items()}
