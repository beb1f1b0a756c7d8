"""What a mutant is: the pieces of the system with one of them replaced by a wrong one.

Guarantee: a mutant is on while one seed is played, and nothing of it is left afterwards. Where the product names a
function or a class by import, and no subclass can take its place, the name is swapped for as long as the seed lasts.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from inspect import cleandoc
from typing import ClassVar

from tests.sim.campaign import Result, judged
from tests.sim.checks import Check
from tests.sim.plan import Plan, draw_plan
from tests.sim.world import Pieces, played


@dataclass(frozen=True, slots=True)
class Swap:
    """A name in a module of the product, and what it stands for while the mutant is on."""

    module: object
    name: str
    wrong: object


class Mutant(Pieces):
    """One known-wrong behaviour, told by the docstring of its class. One of `caught_by` has to find it."""

    caught_by: ClassVar[tuple[Check, ...]]
    swaps: ClassVar[tuple[Swap, ...]] = ()

    @property
    def name(self) -> str:
        """How it is called on the command line."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def sentence(self) -> str:
        """What it does wrong."""
        return " ".join(cleandoc(type(self).__dict__["__doc__"]).split())

    @property
    def check_names(self) -> frozenset[str]:
        """The checks that have to find it."""
        return frozenset(check.__name__ for check in self.caught_by)

    def plan(self, seed: int) -> Plan:
        """What the seed says; a mutant that few seeds would meet has a little more of what it needs."""
        return draw_plan(seed)

    def play(self, seed: int) -> Result:
        """Play a seed with the mutant on, and judge it once it is off again."""
        with swapped(self.swaps):
            world = played(self.plan(seed), self)
        return judged(world)

    def alarms_of(self, seed: int) -> frozenset[str]:
        """The checks that the product itself fails where the mutant was played."""
        return frozenset(breach.check for breach in judged(played(self.plan(seed))).breaches)


@contextmanager
def swapped(swaps: tuple[Swap, ...]) -> Iterator[None]:
    """Let the names stand for something else; a run takes one thread, so nobody else sees it."""
    with ExitStack() as stack:
        for swap in swaps:
            stack.callback(setattr, swap.module, swap.name, getattr(swap.module, swap.name))
            setattr(swap.module, swap.name, swap.wrong)
        yield
