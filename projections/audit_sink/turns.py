"""Whose turn it is to be sent, among the chains that wait.

Guarantee: the chain whose last turn is longest ago comes first, and a turn is one batch: a chain with much behind
starves nobody. A chain has one turn at a time. While the service as a whole seems to be away it is tried with one chain
at a time; a chain that is held stops no other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from horolog.ports import Chance
from projections.audit_sink.batching import Chain
from projections.audit_sink.pacing import Answer, Pauses, Verdict, pause_s


@dataclass(frozen=True, slots=True)
class Waiting:
    """A chain whose entries after `seq`, up to `end_seq`, wait to be taken, the first of them since `since`."""

    chain: Chain
    round: int
    seq: int
    end_seq: int
    since: datetime | None = None

    @property
    def entry_count(self) -> int:
        """How many entries wait; none where the trail is shorter than what was sent."""
        return max(0, self.end_seq - self.seq)


@dataclass(frozen=True, slots=True)
class _Pause:
    until_s: float
    failure_count: int
    is_held: bool = False
    round: int = 0


_NONE = _Pause(float("-inf"), 0)


class Turns:
    """What one sender knows of the chains. Times are seconds of a monotonic clock."""

    def __init__(self, pauses: Pauses, chance: Chance, concurrent_count_max: int) -> None:
        self._pauses = pauses
        self._chance = chance
        self._concurrent_count_max = concurrent_count_max
        self._waiting: dict[Chain, Waiting] = {}
        self._under_way: set[Chain] = set()
        self._pause_of: dict[Chain, _Pause] = {}
        self._service = _NONE
        self._turn_of: dict[Chain, int] = {}
        self._turn_count = 0

    @property
    def waiting(self) -> Sequence[Waiting]:
        """The chains that wait, as far as is known."""
        return list(self._waiting.values())

    @property
    def held(self) -> Mapping[str, int]:
        """By tenant, how many chains are held."""
        return Counter(chain[0] for chain, pause in self._pause_of.items() if pause.is_held)

    def look(self, waiting: Sequence[Waiting]) -> None:
        """These are the chains that wait. One that was set back meanwhile need not wait for its pause to end."""
        self._waiting = {one.chain: one for one in waiting}
        known = self._waiting.keys() | self._under_way
        self._turn_of = {chain: turn for chain, turn in self._turn_of.items() if chain in known}
        rounds = {one.chain: one.round for one in waiting}
        self._pause_of = {
            chain: pause
            for chain, pause in self._pause_of.items()
            if chain in known and rounds.get(chain, pause.round) == pause.round
        }

    def take(self, now_s: float) -> Waiting | None:
        """The chain whose turn it is, which has it from now on; None if nobody's is."""
        room = 1 if self._service.failure_count else self._concurrent_count_max
        if now_s < self._service.until_s or len(self._under_way) >= room:
            return None
        due = [one for one in self._waiting.values() if self._is_due(one.chain, now_s)]
        if not due:
            return None
        chosen = min(due, key=lambda one: self._turn_of.get(one.chain, 0))
        self._turn_count += 1
        self._turn_of[chosen.chain] = self._turn_count
        self._under_way.add(chosen.chain)
        return chosen

    def taken(self, chain: Chain, seq: int) -> None:
        """The turn is over: the service has taken the chain up to there."""
        self._service = _NONE
        self._under_way.discard(chain)
        self._pause_of.pop(chain, None)
        known = self._waiting.get(chain)
        if known is not None and known.end_seq > seq:
            self._waiting[chain] = replace(known, seq=seq)
        else:
            self._waiting.pop(chain, None)

    def given_up(self, chain: Chain) -> None:
        """The turn is over without a request: there was nothing to send, or somebody has moved the chain."""
        self._under_way.discard(chain)
        self._waiting.pop(chain, None)

    def refused(self, turn: Waiting, answer: Answer, now_s: float) -> float:
        """The turn is over, and the service has not taken what was sent; for how long the chain pauses now."""
        self._under_way.discard(turn.chain)
        if answer.verdict is Verdict.LATER:
            self._service = self._service_paused(answer, now_s)
        pause = self._paused(self._pause_of.get(turn.chain, _NONE), answer, now_s)
        self._pause_of[turn.chain] = replace(pause, is_held=answer.verdict is Verdict.HELD, round=turn.round)
        return pause.until_s - now_s

    def _is_due(self, chain: Chain, now_s: float) -> bool:
        return chain not in self._under_way and self._pause_of.get(chain, _NONE).until_s <= now_s

    def _service_paused(self, answer: Answer, now_s: float) -> _Pause:
        known = self._service
        # All that was under way fails with the same outage: that is one failure.
        before = replace(known, failure_count=known.failure_count - 1) if now_s < known.until_s else known
        later = self._paused(before, answer, now_s)
        return replace(later, until_s=max(later.until_s, known.until_s))

    def _paused(self, before: _Pause, answer: Answer, now_s: float) -> _Pause:
        count = before.failure_count + 1
        return _Pause(now_s + pause_s(self._pauses, answer, count, self._chance()), count)
