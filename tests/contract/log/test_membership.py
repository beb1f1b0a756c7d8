"""What members of a role promise each other."""

from __future__ import annotations

import asyncio

from horolog.log.port import Membership
from tests.contract.log.adapters import PARTITION_COUNT, Adapter
from tests.contract.log.records import DEADLINE_S

ALL = frozenset(range(PARTITION_COUNT))


async def owns(membership: Membership, count: int) -> frozenset[int]:
    """Wait until a member owns so many partitions."""
    async with asyncio.timeout(DEADLINE_S):
        while len(membership.owned) != count:
            await membership.changed(membership.generation)
    return membership.owned


async def test_only_member_owns_everything(adapter: Adapter) -> None:
    member = await (await adapter.open()).join("ticker", "a")
    assert await owns(member, PARTITION_COUNT) == ALL
    await member.leave()
    assert member.owned == frozenset()


async def test_members_share_out_evenly_and_take_over_from_who_leaves(adapter: Adapter) -> None:
    first = await (await adapter.open()).join("ticker", "a")
    await owns(first, 2)
    second = await (await adapter.open()).join("ticker", "b")
    shares = await owns(first, 1), await owns(second, 1)
    assert shares[0] | shares[1] == ALL
    generation = second.generation
    await first.leave()
    assert await owns(second, 2) == ALL
    assert second.generation > generation
    await first.leave()
    await second.leave()


async def test_member_that_stays_keeps_what_it_has(adapter: Adapter) -> None:
    members = [await (await adapter.open()).join("ticker", "a")]
    await owns(members[0], 2)
    members.append(await (await adapter.open()).join("ticker", "b"))
    kept = await owns(members[0], 1), await owns(members[1], 1)
    members.append(await (await adapter.open()).join("ticker", "c"))
    generation = members[2].generation
    if not generation:
        async with asyncio.timeout(DEADLINE_S):
            await members[2].changed(generation)
    assert (await owns(members[0], 1), await owns(members[1], 1), members[2].owned) == (*kept, frozenset())
    for member in members:
        await member.leave()


async def test_roles_are_shared_out_independently(adapter: Adapter) -> None:
    log = await adapter.open()
    members = [await log.join(role, "a") for role in ("ticker", "dispatcher")]
    for member in members:
        assert await owns(member, PARTITION_COUNT) == ALL
    for member in members:
        await member.leave()


async def test_wait_for_a_change_can_be_cancelled(adapter: Adapter) -> None:
    member = await (await adapter.open()).join("ticker", "a")
    await owns(member, PARTITION_COUNT)
    wait = asyncio.create_task(member.changed(member.generation))
    await asyncio.sleep(0)
    wait.cancel()
    await asyncio.wait((wait,))
    assert wait.cancelled()
    await member.leave()
    async with asyncio.timeout(DEADLINE_S):
        await member.changed(0)


async def test_leaving_while_joining_is_possible(adapter: Adapter) -> None:
    log = await adapter.open()
    early = await log.join("ticker", "a")
    await early.leave()
    assert early.owned == frozenset()
    late = await log.join("ticker", "b")
    assert await owns(late, PARTITION_COUNT) == ALL
    await late.leave()
