"""What is due is sent, over real connections, until it arrives or is given up; nobody waits for another's receiver."""

import asyncio
import base64
import hmac
import json
from datetime import datetime

import asyncpg
import pytest

from horolog.adapters.system import SystemClock
from horolog.domain.notifications.attempts import ATTEMPT_COUNT_MAX
from horolog.domain.notifications.rules import ChannelType, Target
from projections.notifications.outbox import LEASE_S, Busy, Outbox
from projections.notifications.sender import Sender
from tests.integration.executor.test_egress import (
    REDIRECTIONS,
    WAYS_INSIDE,
    WAYS_THAT_ONLY_SOME_KNOW,
    WAYS_TO_THIS_MACHINE,
)
from tests.integration.notifications.receiving import Got, Hook, answer
from tests.integration.notifications.test_making import failed
from tests.integration.notifications.world import SECRET, World
from tests.unit.projections.facts import OTHER_TENANT, TENANT, at, changed, job

DEADLINE_S = 30.0
ANYTHING = Busy((), (), 100, 100)


def is_signed(got: Got) -> bool:
    """Whether the signature is right, by the text of Standard Webhooks and nothing of ours."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    content = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    expected = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return got.headers["webhook-signature"] == f"v1,{expected}"


async def test_failure_reaches_its_receiver_signed(world: World, hook: Hook) -> None:
    await world.add_rule(Target(hook.url, SECRET))
    await world.make(changed(job()), failed(1))
    sender = await world.send()
    (got,), (delivery,) = hook.got, await world.deliveries()
    assert is_signed(got)
    assert (got.path, got.headers["webhook-id"]) == ("/hook", delivery.id)
    assert json.loads(got.body)["data"]["last"]["cause"] == "TIMED_OUT"
    assert (delivery.state, delivery.status_code, delivery.attempt, delivery.failure) == ("sent", 200, 1, None)
    assert delivery.duration_ms is not None
    assert (sender.counters.sent, sender.counters.failed) == (1, 0)


async def test_sender_killed_before_it_could_tell_is_followed_by_one_that_sends_the_same_again(
    world: World, hook: Hook
) -> None:
    id_ = await world.add_trial(await world.add_rule(Target(hook.url, SECRET)))
    hook.held.clear()
    killed = world.sender()
    await killed.send_due()
    async with asyncio.timeout(DEADLINE_S):
        await hook.arrived.wait()
    for task in killed._under_way:
        task.cancel()
    hook.held.set()
    await world.send()
    assert hook.ids == [id_]
    world.clock.at = at(LEASE_S)
    await world.send()
    assert hook.ids == [id_, id_]
    assert hook.got[0].body == hook.got[1].body
    delivery = await world.delivery(id_)
    assert (delivery.state, delivery.attempt) == ("sent", 2)


async def test_what_an_overtaken_sender_says_no_longer_counts(world: World, hook: Hook) -> None:
    id_ = await world.add_trial(await world.add_rule(Target(hook.url, SECRET)))
    hook.held.clear()
    hook.answers = [answer(500)]
    slow = world.sender()
    await slow.send_due()
    async with asyncio.timeout(DEADLINE_S):
        await hook.arrived.wait()
    world.clock.at = at(LEASE_S)
    (taken,) = await Outbox(world.pool).take(world.clock.now(), ANYTHING)
    hook.held.set()
    await slow.idle()
    delivery = await world.delivery(id_)
    assert (taken.attempt, delivery.attempt, delivery.status_code) == (2, 2, None)
    assert slow.counters.failed == 0


async def test_failure_is_tried_again_and_retry_after_is_honoured(world: World, hook: Hook) -> None:
    id_ = await world.add_trial(await world.add_rule(Target(hook.url, SECRET)))
    hook.answers = [answer(429, retry_after="30"), answer(500)]
    await world.send()
    first = await world.delivery(id_)
    assert (first.state, first.status_code, first.failure) == ("waiting", 429, "HTTP_429")
    assert first.due_at == at(30)
    world.clock.at = at(30)
    await world.send()
    world.clock.at = at(3600)
    await world.send()
    last = await world.delivery(id_)
    assert (last.state, last.attempt, last.status_code, last.failure) == ("sent", 3, 200, None)
    assert hook.ids == [id_] * 3


async def test_receiver_that_is_gone_gets_no_more_of_it(world: World, hook: Hook) -> None:
    id_ = await world.add_trial(await world.add_rule(Target(hook.url, SECRET)))
    hook.answers = [answer(410)]
    sender = await world.send()
    delivery = await world.delivery(id_)
    assert (delivery.state, delivery.failure, sender.counters.dead) == ("dead", "HTTP_410", 1)


async def test_delivery_is_given_up_after_so_many_attempts_and_may_be_sent_again_under_its_id(
    world: World, hook: Hook
) -> None:
    id_ = await world.add_trial(await world.add_rule(Target(hook.url, SECRET)))
    hook.answers = [answer(503)] * ATTEMPT_COUNT_MAX
    for hours in range(ATTEMPT_COUNT_MAX + 2):
        world.clock.at = at(hours * 3601)
        await world.send()
    dead = await world.delivery(id_)
    assert (dead.state, dead.attempt, len(hook.got)) == ("dead", ATTEMPT_COUNT_MAX, ATTEMPT_COUNT_MAX)
    assert await world.store.redeliver(TENANT, id_, world.clock.now())
    await world.send()
    assert set(hook.ids) == {id_}
    assert (await world.delivery(id_)).state == "sent"


@pytest.mark.parametrize("status", REDIRECTIONS)
async def test_redirect_is_not_followed(world: World, hook: Hook, status: int) -> None:
    id_ = await world.add_trial(await world.add_rule(Target(hook.url, SECRET)))
    hook.answers = [answer(status, location=hook.url)]
    await world.send()
    assert ((await world.delivery(id_)).failure, len(hook.got)) == (f"HTTP_{status}", 1)


async def test_receiver_that_does_not_answer_holds_up_nobody_else(world: World, hook: Hook) -> None:
    async with Hook() as stuck:
        stuck.held.clear()
        slow = await world.add_rule(Target(stuck.url, SECRET))
        for _ in range(3):
            await world.add_trial(slow)
        beside = await world.add_trial(await world.add_rule(Target(hook.url, SECRET)))
        theirs = await world.add_trial(await world.add_rule(Target(hook.url, SECRET), tenant_id=OTHER_TENANT))
        sender = world.sender()
        await sender.send_due()
        async with asyncio.timeout(DEADLINE_S):
            await stuck.arrived.wait()
            await arrived(hook, 2)
        assert set(hook.ids) == {beside, theirs}
        await sender.send_due()
        assert len(stuck.got) == 1
        stuck.held.set()
        await sender.idle()


async def test_tenant_of_many_dead_receivers_takes_its_own_share_and_no_more(world: World, hook: Hook) -> None:
    async with Hook() as stuck:
        stuck.held.clear()
        for _ in range(12):
            await world.add_trial(await world.add_rule(Target(stuck.url, SECRET)))
        sender = world.sender()
        counts = [await sender.send_due() for _ in range(3)]
        theirs = await world.add_trial(await world.add_rule(Target(hook.url, SECRET), tenant_id=OTHER_TENANT))
        await sender.send_due()
        async with asyncio.timeout(DEADLINE_S):
            await arrived(hook, 1)
        assert (counts, hook.ids) == ([4, 0, 0], [theirs])
        stuck.held.set()
        await sender.idle()


async def arrived(hook: Hook, count: int) -> None:
    """Wait until so many requests have come."""
    while len(hook.got) < count:
        hook.arrived.clear()
        await hook.arrived.wait()


@pytest.mark.parametrize("channel", [ChannelType.WEBHOOK, ChannelType.SLACK, ChannelType.DINGTALK, ChannelType.WECOM])
async def test_no_way_of_writing_an_inner_address_leads_there(world: World, hook: Hook, channel: ChannelType) -> None:
    """XXL-JOB CVE-2022-43183, PowerJob CVE-2025-14518 and their relatives, by whatever a tenant may have sent."""
    for host in (*WAYS_TO_THIS_MACHINE, *WAYS_INSIDE):
        made = await world.add_rule(Target(f"http://{host}:{hook.port}/", "SEC0123456789abcdef"), channel=channel)
        id_ = await world.add_trial(made)
        await world.send(allowed=())
        assert (await world.delivery(id_)).failure == "DESTINATION_FORBIDDEN", host
    assert hook.got == []


@pytest.mark.parametrize("host", WAYS_THAT_ONLY_SOME_KNOW)
async def test_what_only_some_resolvers_know_leads_nowhere_either(world: World, hook: Hook, host: str) -> None:
    id_ = await world.add_trial(await world.add_rule(Target(f"http://{host}:{hook.port}/", SECRET)))
    await world.send(allowed=())
    assert (await world.delivery(id_)).failure in ("DESTINATION_FORBIDDEN", "REQUEST_INVALID", "CONNECT_FAILED")
    assert hook.got == []


async def test_tenants_own_networks_open_what_is_inner_to_it_alone(world: World, hook: Hook) -> None:
    sql = "insert into known_tenants values ($1, 1, false, now(), '{127.0.0.0/8}')"
    await world.pool.execute(sql, TENANT)
    ours = await world.add_trial(await world.add_rule(Target(hook.url, SECRET)))
    theirs = await world.add_trial(await world.add_rule(Target(hook.url, SECRET), tenant_id=OTHER_TENANT))
    await world.send(allowed=())
    assert hook.ids == [ours]
    assert (await world.delivery(theirs, OTHER_TENANT)).failure == "DESTINATION_FORBIDDEN"


@pytest.mark.parametrize("channel", [ChannelType.DINGTALK, ChannelType.WECOM])
async def test_hook_that_answers_with_a_code_has_it_judged(world: World, hook: Hook, channel: ChannelType) -> None:
    id_ = await world.add_trial(await world.add_rule(Target(hook.url, "SEC0123456789abcdef"), channel=channel))
    hook.answers = [answer(200, b'{"errcode":45009,"errmsg":"slow down"}'), answer(200, b'{"errcode":0}')]
    await world.send()
    assert (await world.delivery(id_)).failure == "ERRCODE_45009"
    world.clock.at = at(3600)
    await world.send()
    assert (await world.delivery(id_)).state == "sent"
    assert ("sign=" in hook.got[0].path) is (channel is ChannelType.DINGTALK)


async def test_slack_is_sent_its_text(world: World, hook: Hook) -> None:
    await world.add_trial(await world.add_rule(Target(hook.url), channel=ChannelType.SLACK))
    await world.send()
    assert json.loads(hook.got[0].body)["text"].startswith("Test of the rule everything")


async def test_rule_that_is_gone_and_key_that_was_erased_end_their_deliveries(world: World, hook: Hook) -> None:
    rules = [await world.add_rule(Target(hook.url, SECRET), tenant_id=tenant) for tenant in (TENANT, OTHER_TENANT)]
    ids = [await world.add_trial(made) for made in rules]
    await world.store.delete_rule(TENANT, rules[0].id)
    await world.vault.erase(OTHER_TENANT, world.clock.now())
    await world.send()
    ended = [await world.delivery(ids[0]), await world.delivery(ids[1], OTHER_TENANT)]
    assert [(one.state, one.failure) for one in ended] == [("dead", "RULE_DELETED"), ("dead", "KEY_ERASED")]
    assert hook.got == []


async def test_target_that_was_moved_to_another_rule_does_not_open(world: World, hook: Hook) -> None:
    one, other = [await world.add_rule(Target(hook.url, SECRET)) for _ in range(2)]
    sealed = await world.pool.fetchval("select sealed_target from rules where id = $1", one.id)
    await world.pool.execute("update rules set sealed_target = $2 where id = $1", other.id, sealed)
    id_ = await world.add_trial(other)
    await world.send()
    assert (await world.delivery(id_)).failure == "TARGET_UNREADABLE"


async def test_vault_that_is_away_and_channel_that_is_not_set_up_are_waited_for(world: World, hook: Hook) -> None:
    id_ = await world.add_trial(await world.add_rule(Target(hook.url, SECRET)))
    world.vault.is_away = True
    await world.send()
    assert ((await world.delivery(id_)).state, (await world.delivery(id_)).failure) == ("waiting", "VAULT_UNAVAILABLE")
    world.clock.at = at(5)
    await world.send(channels={})
    assert (await world.delivery(id_)).failure == "CHANNEL_NOT_SET_UP"


async def test_nothing_secret_is_logged_or_kept(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    id_ = await world.add_trial(await world.add_rule(Target("http://127.0.0.1:1/hush-hook", SECRET)))
    await world.send()
    rows = [*await world.pool.fetch("select * from deliveries"), *await world.pool.fetch("select * from rules")]
    kept = caplog.text + "".join(str(dict(row)) for row in rows)
    assert (await world.delivery(id_)).failure == "CONNECT_FAILED"
    assert not [word for word in ("hush-hook", SECRET, SECRET[6:]) if word in kept]


async def test_old_deliveries_are_removed_and_what_waits_is_kept_and_counted(world: World, hook: Hook) -> None:
    made = await world.add_rule(Target(hook.url, SECRET))
    await world.add_trial(made)
    await world.send()
    waiting = await world.add_trial(made)
    outbox, later = Outbox(world.pool), at(31 * 86_400)
    assert await outbox.figures(at(7)) == (1, 7.0)
    assert await outbox.prune(later) == 1
    assert [delivery.id for delivery in await world.deliveries()] == [waiting]


async def test_sender_sends_until_it_is_stopped(world: World, hook: Hook) -> None:
    id_ = await world.add_trial(await world.add_rule(Target(hook.url, SECRET)))
    found = world.sender()
    sender = Sender(found.outbox, found.channels, SystemClock(), lambda: 0.5, world.vault)
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    async with asyncio.timeout(DEADLINE_S):
        await hook.arrived.wait()
        stop.set()
        await running
    assert (hook.ids, sender.counters.sent) == ([id_], 1)


class BrokenOnce(Outbox):
    """An outbox that has a defect the first time that it is asked for figures."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.looked = asyncio.Event()
        self._is_broken = True

    async def figures(self, now: datetime) -> tuple[int, float]:
        if self._is_broken:
            self._is_broken = False
            raise ZeroDivisionError
        found = await super().figures(now)
        self.looked.set()
        return found


async def test_a_defect_in_looking_after_the_outbox_is_counted_and_told_and_it_is_looked_after_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    outbox, stop = BrokenOnce(world.pool), asyncio.Event()
    sender = Sender(outbox, {}, world.clock, lambda: 0.5)
    running = asyncio.create_task(sender.run(stop))
    async with asyncio.timeout(DEADLINE_S):
        await outbox.looked.wait()
        stop.set()
        await running
    assert sender.counters.failures == 1
    (told,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert told.exc_info is not None
    assert told.exc_info[0] is ZeroDivisionError
