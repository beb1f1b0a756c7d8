"""What an outside service decides about permissions, besides the roles that are known here.

Guarantee: it can only take away. A caller needs the permission by its roles, and the service's yes; an answer is at
most `FRESH_S` old, while the service does not answer at most `KEPT_S`, and then nothing is allowed. Anything but a
plain yes or no is no answer. It is asked once for what many calls want to know at the same time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from horolog.ports import Clock
from services.api.permissions import Permission
from services.api.ports import DecisionsUnavailable, Principal

FRESH_S = 5.0
KEPT_S = 10.0
KEPT_COUNT_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Question:
    """Whether this caller may do this, for its tenant."""

    tenant_id: str
    actor: str
    permission: Permission


Ask = Callable[[Question], Awaitable[bool]]
"""Puts a question to the service; raises OSError when there is no plain answer."""


@dataclass(frozen=True, slots=True)
class _Known:
    allowed: bool
    asked_s: float


class OutsideDecisions:
    """Asks, and remembers for a few seconds."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._known: OrderedDict[Question, _Known] = OrderedDict()
        self._asking: dict[Question, asyncio.Task[bool]] = {}

    async def allows(self, principal: Principal, permission: Permission) -> bool:
        """Whether the service lets the caller do that.

        Raises:
            DecisionsUnavailable: it does not answer, and has not lately.
        """
        question = Question(principal.tenant_id, principal.actor, permission)
        known = self._known.get(question)
        if known is not None and self._age_s(known) <= FRESH_S:
            return known.allowed
        try:
            return await asyncio.shield(self._question(question))
        except OSError as error:
            if known is None or self._age_s(known) > KEPT_S:
                raise DecisionsUnavailable from error
            return known.allowed

    async def close(self) -> None:
        """Give up what is being asked."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def _question(self, question: Question) -> "asyncio.Task[bool]":
        asking = self._asking.get(question)
        if asking is None:
            asking = self._asking[question] = asyncio.create_task(self._answered(question))
            asking.add_done_callback(lambda _: self._asking.pop(question, None))
        return asking

    async def _answered(self, question: Question) -> bool:
        # Counted from before the question: whatever was decided by then is in the answer.
        asked_s = self._clock.monotonic()
        allowed = await self._ask(question)
        self._known[question] = _Known(allowed, asked_s)
        self._known.move_to_end(question)
        while len(self._known) > KEPT_COUNT_MAX:
            self._known.popitem(last=False)
        return allowed

    def _age_s(self, known: _Known) -> float:
        return self._clock.monotonic() - known.asked_s
