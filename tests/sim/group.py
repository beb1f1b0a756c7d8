"""Sharing out the partitions of a role, as a group coordinator does it: members come, go, and fall silent.

A member that takes no step for a session is left out of the next sharing out, and so is one that died. Each member
hears of a sharing out a little later than it happened, so that for a while two may hold themselves for the owner of
the same partition, or nobody does.
"""

import asyncio
from random import Random

from tests.sim.loop import SimLoop
from tests.sim.process import Process, State
from tests.sim.trace import Trace

SESSION_S = 6.0
LOOK_S = 0.5
NEWS_S = (0.01, 0.3)
OLD_NEWS_S = (0.3, 2.5)
"""How long a member that was stalled goes on with what it knew."""


class SimMembership:
    """Implements `Membership`."""

    def __init__(self, process: Process, group: "Group") -> None:
        self.process = process
        self._group = group
        self._owned: frozenset[int] = frozenset()
        self._generation = 0
        self._waiters: dict[asyncio.Future[None], None] = {}
        self.told = 0

    @property
    def owned(self) -> frozenset[int]:
        return self._owned

    @property
    def generation(self) -> int:
        return self._generation

    async def changed(self, generation: int) -> None:
        while self._generation == generation:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters[waiter] = None
            try:
                await waiter
            finally:
                self._waiters.pop(waiter, None)

    async def leave(self) -> None:
        self.hold(frozenset(), self.told + 1)
        self._group.leave(self)

    def hold(self, partitions: frozenset[int], number: int) -> None:
        """Hear of the sharing out with this number; older news are no news."""
        if number <= self.told:
            return
        self.told = number
        self._owned = partitions
        self._generation += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


class Group:
    """One role's coordinator."""

    def __init__(self, role: str, partition_count: int, loop: SimLoop, random: Random, trace: Trace) -> None:
        self._role = role
        self._partition_count = partition_count
        self._loop = loop
        self._random = random
        self._trace = trace
        self._members: list[SimMembership] = []
        self._number = 0
        self._assigned: dict[int, SimMembership] = {}
        self._out: list[SimMembership] = []

    def join(self, process: Process) -> SimMembership:
        """A new member."""
        membership = SimMembership(process, self)
        self._members.append(membership)
        self._share_out()
        return membership

    def leave(self, membership: SimMembership) -> None:
        """A member that goes by itself."""
        if membership in self._out:
            self._out.remove(membership)
        if membership in self._members:
            self._members.remove(membership)
            self._share_out()

    def share_out_anew(self) -> None:
        """Shuffle the partitions, as a storm of rebalances does."""
        self._random.shuffle(self._members)
        self._assigned = {}
        self._share_out()

    def owners(self) -> dict[int, Process]:
        """Who holds which partition by the latest sharing out."""
        return {partition: member.process for partition, member in self._assigned.items()}

    def leave_out(self, process: Process) -> None:
        """Take a member for dead; it is taken in again when it is heard."""
        for member in [member for member in self._members if member.process is process]:
            self.leave(member)
            self._out.append(member)

    async def watch(self) -> None:
        """Leave out members that are silent for a session; take them in again once they are heard."""
        silent_since: dict[SimMembership, float] = {}
        while True:
            await asyncio.sleep(LOOK_S)
            now = self._loop.time()
            for member in list(self._members):
                if member.process.state is State.RUNNING:
                    silent_since.pop(member, None)
                elif now - silent_since.setdefault(member, now) >= SESSION_S:
                    self._trace.tell(f"{member.process.name} has fallen silent", self._role)
                    self.leave(member)
                    self._out.append(member)
            for member in [member for member in self._out if member.process.state is State.RUNNING]:
                self._out.remove(member)
                silent_since.pop(member, None)
                self._members.append(member)
                self._share_out()

    def _share_out(self) -> None:
        self._number += 1
        if not self._members:
            self._assigned = {}
            return
        size = -(-self._partition_count // len(self._members))
        shares: dict[SimMembership, list[int]] = {member: [] for member in self._members}
        free = []
        for partition in range(self._partition_count):
            holder = self._assigned.get(partition)
            if holder is not None and holder in shares and len(shares[holder]) < size:
                shares[holder].append(partition)
            else:
                free.append(partition)
        for partition in free:
            min(shares.values(), key=len).append(partition)
        self._assigned = {partition: member for member, share in shares.items() for partition in share}
        for member, share in shares.items():
            self._tell(member, frozenset(share))
        for member in self._out:
            self._tell(member, frozenset())

    def _tell(self, member: SimMembership, share: frozenset[int]) -> None:
        number = self._number
        delay_s = self._random.uniform(*NEWS_S)
        if member.process.is_running:
            member.process.call_later(delay_s, member.hold, share, number)
        else:
            # Heard some time after it goes on: until then a stalled member takes itself for the owner.
            old_s = self._random.uniform(*OLD_NEWS_S)
            member.process.call_later(0, lambda: member.process.call_later(old_s, member.hold, share, number))
