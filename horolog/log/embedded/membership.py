"""Sharing out a role's partitions among the members of one process.

Guarantee: at any moment every partition of a role with members belongs to exactly one of them, the shares differ by
at most one, and a member keeps what it may keep.
"""

import asyncio
from collections.abc import Callable


class EmbeddedMembership:
    """Implements `Membership`. The generation rises with every sharing out, also when the share stays the same."""

    def __init__(self, member: str, leave: Callable[["EmbeddedMembership"], None]) -> None:
        self.member = member
        self._leave = leave
        self._owned: frozenset[int] = frozenset()
        self._generation = 0
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def owned(self) -> frozenset[int]:
        return self._owned

    @property
    def generation(self) -> int:
        return self._generation

    async def changed(self, generation: int) -> None:
        while self._generation == generation:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)

    async def leave(self) -> None:
        self._leave(self)

    def hold(self, partitions: frozenset[int]) -> None:
        """Take note of the share that this member was given."""
        self._owned = partitions
        self._generation += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


class Sharing:
    """The members of one role, in the order in which they came."""

    def __init__(self, partition_count: int) -> None:
        self._partition_count = partition_count
        self._members: list[EmbeddedMembership] = []

    def join(self, member: str) -> EmbeddedMembership:
        """A new member, which has its share at once."""
        membership = EmbeddedMembership(member, self._remove)
        self._members.append(membership)
        self._share_out()
        return membership

    def _remove(self, membership: EmbeddedMembership) -> None:
        if membership in self._members:
            self._members.remove(membership)
            membership.hold(frozenset())
            self._share_out()

    def _share_out(self) -> None:
        if not self._members:
            return
        base, extra = divmod(self._partition_count, len(self._members))
        # Those who hold most get the larger shares: then fewest partitions move.
        by_holding = sorted(self._members, key=lambda member: -len(member.owned))
        kept = {m: sorted(m.owned)[: base + (i < extra)] for i, m in enumerate(by_holding)}
        taken = {partition for share in kept.values() for partition in share}
        free = [p for p in range(self._partition_count) if p not in taken]
        for i, member in enumerate(by_holding):
            missing = base + (i < extra) - len(kept[member])
            kept[member] += free[:missing]
            del free[:missing]
        for member in self._members:
            member.hold(frozenset(kept[member]))
