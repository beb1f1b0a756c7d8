"""What sessions are good for at present, remembered for a few seconds.

Guarantee: an answer tells the state as it was `STATE_FRESH_S` ago or later; while the database does not answer, as it
was `STATE_KEPT_S` ago or later, and beyond that there is no answer at all. Many calls of one session at the same time
ask once.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from horolog.ports import Clock
from services.api.accounts.bounds import STATE_COUNT_MAX, STATE_FRESH_S, STATE_KEPT_S, STATE_WAIT_S
from services.api.accounts.ports import AccountsUnavailable, SessionStore
from services.api.accounts.users import Live
from services.api.patience import within


@dataclass(frozen=True, slots=True)
class _Known:
    """A session's state, and when it was asked for (monotonic seconds)."""

    live: Live | None
    asked_s: float


class SessionStates:
    """Remembers sessions."""

    def __init__(self, store: SessionStore, clock: Clock, count_max: int = STATE_COUNT_MAX) -> None:
        self._store = store
        self._clock = clock
        self._count_max = count_max
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Task[_Known]] = {}

    async def live(self, session_id: str) -> Live | None:
        """What the session is good for; None when it is over.

        Raises:
            AccountsUnavailable: nothing recent enough is known, and the database does not answer.
        """
        known = self._known.get(session_id)
        if known is not None and self._age_s(known) <= STATE_FRESH_S:
            return known.live
        try:
            return (await asyncio.shield(self._question(session_id))).live
        except AccountsUnavailable:
            if known is None or self._age_s(known) > STATE_KEPT_S:
                raise
            return known.live

    def _question(self, session_id: str) -> "asyncio.Task[_Known]":
        asking = self._asking.get(session_id)
        if asking is None:
            asking = self._asking[session_id] = asyncio.create_task(self._ask(session_id))
            asking.add_done_callback(lambda task: self._asked(session_id, task))
        return asking

    async def _ask(self, session_id: str) -> _Known:
        # Counted from before the question: whatever was changed by then is in the answer.
        asked_s = self._clock.monotonic()
        try:
            live = await within(STATE_WAIT_S, self._store.live(session_id, self._clock.now()))
        except TimeoutError as error:
            raise AccountsUnavailable from error
        return _Known(live, asked_s)

    def _asked(self, session_id: str, task: "asyncio.Task[_Known]") -> None:
        self._asking.pop(session_id, None)
        if task.cancelled() or task.exception() is not None:
            return
        self._known[session_id] = task.result()
        self._known.move_to_end(session_id)
        while len(self._known) > self._count_max:
            self._known.popitem(last=False)

    def _age_s(self, known: _Known) -> float:
        return self._clock.monotonic() - known.asked_s
