"""Every fact that a rule matches is told once, waits, or is counted as dropped: nothing else, and never twice."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horolog.domain.notifications.facts import Fact
from horolog.domain.notifications.fold import Memory, close, matches, tell
from horolog.domain.notifications.rules import Kind, Pace, Scope
from tests.unit.notifications.telling import RULE_ID, at, counted, fact, known_job, memory, rule
from tests.unit.projections.facts import uuid_of

KINDS = (Kind.FAILED, Kind.LATE, Kind.MISSED, Kind.DISABLED, Kind.QUOTA)


def test_first_fact_is_told_at_once_and_the_rest_of_its_window_together() -> None:
    told = memory(rule(pace=Pace(60, 10, 3600)))
    tell(told, [fact(1, 0), fact(2, 10), fact(3, 20)])
    assert [made.count for made in told.made] == [1]
    close(told, at(59))
    assert len(told.made) == 1
    close(told, at(60))
    first, second = told.made
    assert (second.count, second.first_at, second.last.id) == (2, at(10), "fact/3")
    assert first.id != second.id
    assert told.groups == {}


def test_window_without_further_facts_ends_in_silence() -> None:
    told = memory(rule(pace=Pace(60, 10, 3600)))
    tell(told, [fact(1, 0)])
    close(told, at(100))
    assert len(told.made) == 1
    assert told.closed_groups == {(RULE_ID, uuid_of(1))}


def test_fact_after_the_window_closes_it_and_is_told_at_once() -> None:
    told = memory(rule(pace=Pace(60, 10, 3600)))
    tell(told, [fact(1, 0), fact(2, 10), fact(3, 61)])
    assert [(made.count, made.last.id) for made in told.made] == [(1, "fact/1"), (1, "fact/2"), (1, "fact/3")]


def test_jobs_are_grouped_apart() -> None:
    told = memory(rule(pace=Pace(60, 10, 3600)))
    tell(told, [fact(1, 0), fact(2, 1, job=2), fact(3, 2, job=None, kind=Kind.DISABLED)])
    assert [made.count for made in told.made] == [1, 1, 1]


def test_message_of_a_group_counts_each_kind_and_names_the_last_fact() -> None:
    told = memory(rule(pace=Pace(60, 10, 3600)))
    tell(told, [fact(1, 0), fact(2, 5), fact(3, 6, Kind.RECOVERED), fact(4, 7)])
    close(told, at(60))
    assert told.made[1].counts == {Kind.FAILED: 2, Kind.RECOVERED: 1}
    assert told.made[1].last.kind is Kind.FAILED


def test_what_is_throttled_is_counted_and_told_with_the_next_message() -> None:
    told = memory(rule(pace=Pace(0, 2, 100)))
    tell(told, [fact(number, number) for number in range(5)])
    assert [made.dropped_count for made in told.made] == [0, 0]
    assert told.throttled_count == 3
    tell(told, [fact(9, 100)])
    assert (told.made[2].last.id, told.made[2].dropped_count) == ("fact/9", 3)
    tell(told, [fact(10, 101)])
    assert told.made[3].dropped_count == 0


def test_recovery_is_told_after_a_failure_and_once() -> None:
    told = memory(rule())
    went_well = [fact(number, number, Kind.RECOVERED) for number in (1, 2)]
    tell(told, [went_well[0], fact(3, 3), fact(4, 4), fact(5, 5, Kind.RECOVERED), fact(6, 6, Kind.RECOVERED)])
    assert [made.last.id for made in told.made] == ["fact/3", "fact/4", "fact/5"]
    assert not told.jobs[uuid_of(1)].is_failing


def test_how_a_job_did_is_remembered_from_one_batch_to_the_next() -> None:
    before = memory(rule())
    tell(before, [fact(1, 1)])
    assert before.changed_jobs == {uuid_of(1)}
    after = Memory(before.rules, before.jobs)
    tell(after, [fact(2, 2, Kind.RECOVERED)])
    assert [made.last.kind for made in after.made] == [Kind.RECOVERED]


@pytest.mark.parametrize(
    ("scope", "job", "is_about"),
    [
        (Scope(), 1, True),
        (Scope(), None, True),
        (Scope(job_ids=(uuid_of(1),)), 1, True),
        (Scope(job_ids=(uuid_of(2),)), 1, False),
        (Scope(tags=("billing",)), 1, True),
        (Scope(tags=("other",)), 1, False),
        (Scope((uuid_of(2),), ("billing",)), 1, True),
        (Scope(tags=("billing",)), None, False),
    ],
)
def test_scope_names_jobs_by_id_or_tag(scope: Scope, job: int | None, is_about: bool) -> None:
    known = None if job is None else known_job(tags=("billing",))
    assert matches(rule(scope=scope), fact(1, 1, job=job), known) is is_about


def test_rule_is_not_about_other_kinds_earlier_facts_or_anything_while_disabled() -> None:
    about = [
        rule(kinds=frozenset({Kind.MISSED})),
        rule(since=at(2)),
        rule(enabled=False),
    ]
    assert [matches(one, fact(1, 1), None) for one in about] == [False, False, False]


@pytest.mark.parametrize(("late_s", "is_late"), [(59.9, False), (60.0, False), (60.1, True)])
def test_start_is_late_beyond_the_rules_own_bound(late_s: float, is_late: bool) -> None:
    assert matches(rule(late_s=60), fact(1, 1, Kind.LATE, late_s=late_s), None) is is_late


def test_group_of_a_rule_that_was_disabled_meanwhile_is_still_told() -> None:
    told = memory(rule(pace=Pace(60, 10, 3600)))
    tell(told, [fact(1, 0), fact(2, 1)])
    later = Memory({rule().tenant_id: [rule(enabled=False)]}, groups=told.groups, throttles=told.throttles)
    close(later, at(60))
    assert [made.count for made in later.made] == [1]


FACTS = st.lists(st.tuples(st.floats(0, 500), st.sampled_from(KINDS), st.sampled_from([1, 2, None])), max_size=60).map(
    lambda drawn: [_drawn(number, *one) for number, one in enumerate(sorted(drawn, key=lambda one: one[0]))]
)
PACES = st.builds(Pace, st.sampled_from([0, 1, 30, 200]), st.integers(1, 5), st.sampled_from([1, 50, 400]))


def _drawn(number: int, seconds: float, kind: Kind, job: int | None) -> Fact:
    return fact(number, seconds, kind, job, late_s=1000.0)


@given(facts=FACTS, pace=PACES, cuts=st.lists(st.integers(0, 60), max_size=5), closes=st.booleans())
def test_no_fact_is_lost_or_told_twice(facts: Sequence[Fact], pace: Pace, cuts: list[int], closes: bool) -> None:
    told = memory(rule(pace=pace))
    bounds = [0, *sorted(cuts), len(facts)]
    for start, end in pairwise(bounds):
        batch = facts[start:end]
        tell(told, batch)
        if closes and batch:
            close(told, batch[-1].at)
    waiting = sum(sum(group.counts.values()) for group in told.groups.values())
    dropped = sum(made.dropped_count for made in told.made)
    held = sum(throttle.dropped_count for throttle in told.throttles.values())
    assert counted(told).total() + waiting + dropped + held == len(facts)
    close(told, at(10_000))
    assert told.groups == {}
    assert len({made.id for made in told.made}) == len(told.made)


@given(facts=FACTS, pace=PACES, cut=st.integers(0, 60))
def test_it_makes_no_difference_where_a_batch_ends(facts: Sequence[Fact], pace: Pace, cut: int) -> None:
    whole, parts = memory(rule(pace=pace)), memory(rule(pace=pace))
    tell(whole, facts)
    tell(parts, facts[:cut])
    tell(parts, facts[cut:])
    assert parts.made == whole.made
    assert (parts.groups, parts.throttles) == (whole.groups, whole.throttles)


@given(facts=FACTS, pace=PACES)
def test_no_rule_speaks_more_often_than_it_may(facts: Sequence[Fact], pace: Pace) -> None:
    told = memory(rule(pace=pace))
    tell(told, facts)
    throttle = told.throttles.get(RULE_ID)
    assert throttle is None or throttle.made_count <= pace.throttle_count
