"""The checkers find nothing in a clean round, and each planted breach is found by the checker that it is for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.campaign.checkers import (
    broken,
    completed_count,
    doubled,
    early,
    lateness_s,
    lost,
    not_run,
    overlap_count,
    takeover_s,
)
from tests.campaign.evidence import Dump, Event, Evidence, Fire, Mark, Request, Row, Sign

Checker = Callable[[Evidence], Sequence[str]]
CHECKERS: tuple[Checker, ...] = (lost, doubled, early, broken, not_run)
SECONDS = range(100, 105)
AT = 102
ID = f"e{AT}"


def events_of(execution_id: str) -> list[Event]:
    return [
        Event("ExecutionAdmitted", execution_id, 0),
        Event("AttemptDispatched", execution_id, 1),
        Event("AttemptStarted", execution_id, 1),
        Event("ExecutionCompleted", execution_id, 1, "completed"),
    ]


def clean() -> Evidence:
    """One job that fired each second, and ran."""
    return Evidence(
        owed=frozenset(("job", second) for second in SECONDS),
        rows=[Row(f"e{s}", "job", s, s, "completed", 1) for s in SECONDS],
        marks=[Mark(phase, f"e{s}", 1, s + late) for s in SECONDS for phase, late in (("S", 0.1), ("E", 0.3))],
        log=Dump(
            fires=[Fire(f"e{s}", "job", s) for s in SECONDS],
            events=[event for s in SECONDS for event in events_of(f"e{s}")],
            signs=[Sign("ticker", 0, "a", 1, s) for s in SECONDS],
        ),
        requests=[Request("k", 201, ID), Request("unknown", None), Request("refused", 503)],
        watched={("ticker", 0): (100.0, 104.0)},
    )


def with_log(evidence: Evidence, **changes: Any) -> Evidence:
    return replace(evidence, log=replace(evidence.log, **changes))


def without_row(e: Evidence) -> Evidence:
    return replace(e, rows=[row for row in e.rows if row.execution_id != ID], requests=[])


def without_fire(e: Evidence) -> Evidence:
    return with_log(e, fires=[fire for fire in e.log.fires if fire.second != AT])


def without_end(e: Evidence) -> Evidence:
    events = [event for event in e.log.events if (event.execution_id, event.status) != (ID, "completed")]
    rows = [replace(row, status="running") if row.execution_id == ID else row for row in e.rows]
    return replace(with_log(e, events=events), rows=rows, requests=[])


def without_start(e: Evidence) -> Evidence:
    return replace(e, marks=[mark for mark in e.marks if mark.execution_id != ID])


def with_broken_promise(e: Evidence) -> Evidence:
    return replace(e, requests=[Request("k", 201, "nowhere")])


def with_second_row(e: Evidence) -> Evidence:
    twin = Row("twin", "job", AT, AT, "completed", 1)
    seen = with_log(e, events=[*e.log.events, *events_of("twin")])
    return replace(seen, rows=[*e.rows, twin], marks=[*e.marks, Mark("S", "twin", 1, AT + 0.1)])


def with_second_fire(e: Evidence) -> Evidence:
    return with_log(e, fires=[*e.log.fires, Fire("other", "job", AT)])


def with_second_start(e: Evidence) -> Evidence:
    return replace(e, marks=[*e.marks, Mark("S", ID, 1, AT + 1.0)])


def with_unfounded_attempt(e: Evidence) -> Evidence:
    return replace(e, marks=[*e.marks, Mark("S", ID, 2, AT + 1.0)])


def with_second_end(e: Evidence) -> Evidence:
    return with_log(e, events=[*e.log.events, Event("ExecutionCompleted", ID, 2, "completed")])


def with_second_dispatch(e: Evidence) -> Evidence:
    return with_log(e, events=[*e.log.events, Event("AttemptDispatched", ID, 1)])


def with_early_start(e: Evidence) -> Evidence:
    hasty = [replace(m, at_s=AT - 0.001) if (m.execution_id, m.phase) == (ID, "S") else m for m in e.marks]
    return replace(e, marks=hasty)


def with_falling_epoch(e: Evidence) -> Evidence:
    return with_log(e, signs=[*e.log.signs, Sign("ticker", 0, "b", 2, 105), Sign("ticker", 0, "a", 1, 105)])


def with_shared_epoch(e: Evidence) -> Evidence:
    return with_log(e, signs=[*e.log.signs, Sign("ticker", 0, "b", 1, 105)])


def with_other_end_in_the_log(e: Evidence) -> Evidence:
    told = [replace(v, status="failed") if (v.execution_id, v.status) == (ID, "completed") else v for v in e.log.events]
    return with_log(e, events=told)


def with_end_only_in_the_ledger(e: Evidence) -> Evidence:
    return with_log(e, events=[v for v in e.log.events if (v.execution_id, v.status) != (ID, "completed")])


def with_hidden_records(e: Evidence) -> Evidence:
    return with_log(e, hidden=["executions.v1/0"])


def with_vanished_record(e: Evidence) -> Evidence:
    return with_log(e, vanished=["executions.v1/0@7"])


def with_dead_process(e: Evidence) -> Evidence:
    return replace(e, died=["ticker-0 (1)"])


def with_missed_range(e: Evidence) -> Evidence:
    rows = [row for row in e.rows if row.first_s not in (AT, AT + 1)]
    told = with_log(e, events=[*e.log.events, Event("ExecutionMissed", "m", 0, "missed")])
    return replace(told, rows=[*rows, Row("m", "job", AT, AT + 1, "missed", 0, "misfire")], requests=[])


PLANTED: tuple[tuple[Callable[[Evidence], Evidence], Checker], ...] = (
    *((plant, lost) for plant in (without_row, without_fire, without_end, without_start, with_broken_promise)),
    *((plant, doubled) for plant in (with_second_row, with_second_fire, with_second_start, with_unfounded_attempt)),
    *((plant, doubled) for plant in (with_second_end, with_second_dispatch)),
    (with_early_start, early),
    *((plant, broken) for plant in (with_falling_epoch, with_shared_epoch, with_other_end_in_the_log)),
    *((plant, broken) for plant in (with_end_only_in_the_ledger, with_hidden_records, with_vanished_record)),
    (with_dead_process, broken),
    (with_missed_range, not_run),
)


@pytest.mark.parametrize("checker", CHECKERS)
def test_clean_round_has_no_breach(checker: Checker) -> None:
    assert not checker(clean())


@pytest.mark.parametrize(("plant", "checker"), PLANTED, ids=lambda function: function.__name__)
def test_planted_breach_is_found_by_its_checker_and_no_other(
    plant: Callable[[Evidence], Evidence], checker: Checker
) -> None:
    evidence = plant(clean())
    assert {found.__name__ for found in CHECKERS if found(evidence)} == {checker.__name__}


def test_attempt_after_a_loss_in_the_log_is_no_double() -> None:
    evidence = replace(clean(), marks=[*clean().marks, Mark("S", ID, 2, AT + 9.0)])
    assert not doubled(with_log(evidence, events=[*evidence.log.events, Event("RetryScheduled", ID, 1)]))


def test_figures_are_those_of_the_targets_and_the_log() -> None:
    evidence = with_log(clean(), signs=[sign for sign in clean().log.signs if sign.at_s in (100, 103)])
    assert takeover_s(evidence) == 3.0
    assert [round(late, 3) for late in lateness_s(evidence)] == [0.1] * len(SECONDS)
    assert completed_count(without_start(evidence)) == len(SECONDS) - 1


def test_silence_at_either_end_of_the_round_counts_as_takeover() -> None:
    assert takeover_s(with_log(clean(), signs=[])) == 4.0
    assert takeover_s(with_log(clean(), signs=[Sign("ticker", 0, "a", 1, 101.0)])) == 3.0


def test_takeover_does_not_count_the_time_without_a_log() -> None:
    silent = replace(with_log(clean(), signs=[Sign("ticker", 0, "a", 1, 100.5)]), outage=(101.0, 103.0))
    assert takeover_s(silent) == 1.5


def test_attempt_that_begins_before_its_predecessor_ended_is_an_overlap() -> None:
    assert not overlap_count(clean())
    assert overlap_count(replace(clean(), marks=[*clean().marks, Mark("S", ID, 2, AT + 0.2)])) == 1
