"""The loop of the sink: as one process of all, send what waits, chain by chain.

Guarantee: see the package. Who sends holds an advisory lock of PostgreSQL through the connection that it also reads and
writes by: with the connection it loses both, and whatever is under way is given up at once. It never ends by itself but
when it is stopped, and takes nothing from the projector but the time to compute a batch.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import asyncpg

from horolog.limits import AUDIT_SINK_BATCH_BYTES_MAX, AUDIT_SINK_CONCURRENT_COUNT_MAX, AUDIT_SINK_STOP_S_MAX
from horolog.ports import Chance, Clock
from projections.audit_sink.batching import Batch, ChainBroken
from projections.audit_sink.outbox import Outbox
from projections.audit_sink.pacing import BROKEN, Answer, Verdict, pause_s
from projections.audit_sink.settings import SinkSettings
from projections.audit_sink.turns import Turns, Waiting
from projections.connections import UNAVAILABLE, connect

_logger = logging.getLogger(__name__)

Send = Callable[[Batch], Awaitable[Answer]]
"""Sends a batch, and says what came of it; never raises."""
_DATABASE_AWAY = Answer(Verdict.LATER, "DATABASE_UNREACHABLE")


class SinkFigures(Protocol):
    """Who is told; `horolog.runtime.metrics.Metrics` is one."""

    def audit_taken(self, tenant_id: str, count: int) -> None:
        """The service has taken so many entries."""

    def audit_not_taken(self, tenant_id: str, code: str) -> None:
        """It has not taken a batch, for this reason."""

    def set_audit_waiting(self, counts: Mapping[str, int], held: Mapping[str, int], behind_s: float) -> None:
        """By tenant the entries that wait and the chains that are held, and for how long the oldest has waited."""

    def forget_audit_waiting(self) -> None:
        """This process does not send, and does not know."""


@dataclass(slots=True)
class SinkCounters:
    """What the metrics report: `failures` are defects."""

    failures: int = 0


class AuditSink:
    """Sends the audit trail of all tenants, for as long as it is the one that does."""

    def __init__(
        self, settings: SinkSettings, dsn: str, ports: tuple[Clock, Chance], send: Send, figures: SinkFigures
    ) -> None:
        self._settings = settings
        self._dsn = dsn
        self._clock, self._chance = ports
        self._send_batch = send
        self._figures = figures
        self.counters = SinkCounters()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set."""
        while not stop.is_set():
            try:
                await self._connected(stop)
            except (*UNAVAILABLE, TimeoutError) as error:
                _logger.warning("the audit trail cannot be sent, the database is away: %s", error)
            except Exception:
                # A defect; the projector beside must not end with it.
                self.counters.failures += 1
                _logger.exception("sending the audit trail failed, beginning anew")
            if not stop.is_set():
                await _set_within(stop, pause_s(self._settings.pauses, _DATABASE_AWAY, 1, self._chance()))

    async def _connected(self, stop: asyncio.Event) -> None:
        connection = await connect(self._dsn, "horolog-audit-sink")
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            outbox = Outbox(connection, AUDIT_SINK_BATCH_BYTES_MAX)
            while not stop.is_set() and not await outbox.may_send():
                await _set_within(stop, self._settings.pauses.look_s)
            if not stop.is_set():
                await self._lead(outbox, stop, lost)
            if lost.is_set():
                raise ConnectionError("the connection was lost")
        finally:
            await _close(connection)

    async def _lead(self, outbox: Outbox, stop: asyncio.Event, lost: asyncio.Event) -> None:
        turns = Turns(self._settings.pauses, self._chance, AUDIT_SINK_CONCURRENT_COUNT_MAX)
        sending: set[asyncio.Task[None]] = set()
        ends = {asyncio.create_task(stop.wait()), asyncio.create_task(lost.wait())}
        look_at = float("-inf")
        try:
            while not stop.is_set() and not lost.is_set():
                if self._clock.monotonic() >= look_at:
                    look_at = self._clock.monotonic() + self._settings.pauses.look_s
                    turns.look(await outbox.waiting())
                    self._tell(turns)
                sending |= {asyncio.create_task(self._send(outbox, turns, turn)) for turn in self._next(turns)}
                timeout_s = self._settings.pauses.look_s
                await asyncio.wait(sending | ends, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
                sending = _without_ended(sending)
            if sending and not lost.is_set():
                await asyncio.wait(sending, timeout=AUDIT_SINK_STOP_S_MAX)
        finally:
            for task in sending | ends:
                task.cancel()
            await asyncio.gather(*sending, *ends, return_exceptions=True)
            self._figures.forget_audit_waiting()

    def _next(self, turns: Turns) -> Iterator[Waiting]:
        while (turn := turns.take(self._clock.monotonic())) is not None:
            yield turn

    async def _send(self, outbox: Outbox, turns: Turns, turn: Waiting) -> None:
        """One turn of a chain: a batch, and what becomes of the chain after the answer."""
        try:
            batch = await outbox.begin(turn.chain, self._settings.batch_count_max)
        except ChainBroken as error:
            _logger.error("the audit trail is not what was sent of it: %s", error, extra={"tenant_id": turn.chain[0]})
            await self._refused(outbox, turns, turn, Answer(Verdict.HELD, BROKEN))
            return
        if batch is None:
            turns.given_up(turn.chain)
            return
        answer = await self._send_batch(batch)
        if answer.verdict is not Verdict.TAKEN:
            await self._refused(outbox, turns, turn, answer)
        elif await outbox.advance(batch):
            turns.taken(turn.chain, batch.last.seq)
            self._figures.audit_taken(turn.chain[0], batch.entry_count)
        else:
            turns.given_up(turn.chain)

    async def _refused(self, outbox: Outbox, turns: Turns, turn: Waiting, answer: Answer) -> None:
        seconds = turns.refused(turn, answer, self._clock.monotonic())
        tenant_id, chain = turn.chain
        self._figures.audit_not_taken(tenant_id, answer.code)
        is_held = answer.verdict is Verdict.HELD
        _logger.log(
            logging.ERROR if is_held else logging.WARNING,
            "the chain %s of the audit trail %s after entry %d: %s; tried again in %.0f s",
            chain,
            "is held" if is_held else "waits",
            turn.seq,
            answer.code,
            seconds,
            extra={"tenant_id": tenant_id, "status": answer.code},
        )
        await outbox.note(turn.chain, answer.code, self._clock.now())

    def _tell(self, turns: Turns) -> None:
        counts = Counter[str]()
        for one in turns.waiting:
            counts[one.chain[0]] += one.entry_count
        now = self._clock.now()
        behind_s = max(((now - one.since).total_seconds() for one in turns.waiting if one.since), default=0.0)
        self._figures.set_audit_waiting(counts, turns.held, max(0.0, behind_s))


def _without_ended(sending: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """The tasks that go on; the error of one that has ended is raised."""
    for task in sending:
        if task.done():
            task.result()
    return {task for task in sending if not task.done()}


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, so long at most."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


async def _close(connection: asyncpg.Connection) -> None:
    with contextlib.suppress(*UNAVAILABLE, TimeoutError):
        await connection.close(timeout=2)
