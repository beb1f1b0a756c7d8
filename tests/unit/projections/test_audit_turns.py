"""Whose turn it is among the chains of the audit trail that wait."""

from collections.abc import Sequence

from horolog.domain.audit import CALLS, JOBS
from projections.audit_sink.pacing import Answer, Pauses, Verdict
from projections.audit_sink.turns import Turns, Waiting

PAUSES = Pauses(least_s=1, most_s=60, retry_after_s_max=900, held_s=300)
LATER, HELD = Answer(Verdict.LATER, "503"), Answer(Verdict.HELD, "400")


def waiting(tenant: str, count: int = 1, chain: str = CALLS, round_: int = 0) -> Waiting:
    return Waiting((tenant, chain), round_, 0, count)


def turns_of(*chains: Waiting, concurrent: int = 8) -> Turns:
    """Turns that know of these chains, without any luck: a pause is as long as it can be."""
    turns = Turns(PAUSES, lambda: 1.0, concurrent)
    turns.look(chains)
    return turns


def taken(turns: Turns, now_s: float = 0) -> Sequence[str]:
    """The tenants whose turn it is."""
    found = []
    while (turn := turns.take(now_s)) is not None:
        found.append(turn.chain[0])
    return found


def test_each_chain_has_one_turn_at_a_time() -> None:
    turns = turns_of(waiting("a"), waiting("b"), waiting("a", chain=JOBS))
    assert taken(turns) == ["a", "b", "a"]
    assert taken(turns) == []


def test_a_chain_with_much_behind_comes_again_only_after_the_others() -> None:
    turns = turns_of(waiting("much", 1000), waiting("a"), waiting("b"), concurrent=1)
    order = []
    for _ in range(5):
        (tenant,) = taken(turns)
        order.append(tenant)
        turns.taken((tenant, CALLS), 100 * len(order))
    assert order == ["much", "a", "b", "much", "much"]


def test_a_chain_that_was_taken_to_its_end_waits_no_longer() -> None:
    turns = turns_of(waiting("a", 5))
    taken(turns)
    turns.taken(("a", CALLS), 3)
    assert [(one.seq, one.entry_count) for one in turns.waiting] == [(3, 2)]
    taken(turns)
    turns.taken(("a", CALLS), 5)
    assert turns.waiting == []


def test_no_more_are_under_way_than_may() -> None:
    turns = turns_of(*map(waiting, "abcde"), concurrent=3)
    assert taken(turns) == ["a", "b", "c"]
    turns.taken(("b", CALLS), 1)
    assert taken(turns) == ["d"]


def test_a_held_chain_is_told_and_stops_no_other() -> None:
    turns = turns_of(waiting("bad"), waiting("good", 9), waiting("next"), concurrent=2)
    held, _ = turns.take(0), turns.take(0)
    assert held is not None
    assert turns.refused(held, HELD, 0) == 300
    assert taken(turns, 1) == ["next"], "before anything was taken"
    turns.taken(("next", CALLS), 1)
    turns.taken(("good", CALLS), 3)
    assert (taken(turns, 1), turns.held) == (["good"], {"bad": 1})
    assert taken(turns, 299) == []
    assert taken(turns, 300) == ["bad"]
    turns.taken(("bad", CALLS), 1)
    assert turns.held == {}


def test_while_the_service_is_away_it_is_tried_with_one_chain_at_a_time_ever_more_slowly() -> None:
    turns = turns_of(*map(waiting, "abcd"))
    under_way = [turn for _ in range(4) if (turn := turns.take(0)) is not None]
    for turn in under_way:
        turns.refused(turn, LATER, 0)
    assert taken(turns, 0.9) == []
    (again,) = [turn for turn in (turns.take(1), turns.take(1)) if turn is not None]
    turns.refused(again, LATER, 1)
    assert taken(turns, 2.9) == [], "four failures of one outage count as one"
    assert taken(turns, 3) == ["b"]
    turns.taken(("b", CALLS), 1)
    assert taken(turns, 3) == ["c", "d", "a"]


def test_as_long_as_the_service_asks_for_it_is_left_alone() -> None:
    turns = turns_of(waiting("a"), waiting("b"))
    turn = turns.take(0)
    assert turn is not None
    turns.refused(turn, Answer(Verdict.LATER, "429", 120), 0)
    assert taken(turns, 119) == []
    assert taken(turns, 120) == ["b"]


def test_a_chain_that_was_set_back_does_not_wait_for_its_pause_to_end() -> None:
    turns = turns_of(waiting("a"))
    turn = turns.take(0)
    assert turn is not None
    turns.refused(turn, HELD, 0)
    turns.look([waiting("a")])
    assert taken(turns, 1) == []
    turns.look([waiting("a", round_=1)])
    assert (taken(turns, 1), turns.held) == (["a"], {})


def test_what_is_under_way_is_not_taken_again_by_a_look() -> None:
    turns = turns_of(waiting("a"))
    taken(turns)
    turns.look([waiting("a", 7)])
    assert taken(turns) == []
    turns.given_up(("a", CALLS))
    assert taken(turns) == []
    turns.look([waiting("a", 7)])
    assert taken(turns) == ["a"]
