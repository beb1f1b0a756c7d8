"""Owed instants against rows: nothing is found where nothing is wrong, and each planted fault is named."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horolog.verify import Kind, LedgerRow, ScheduleVersion, TooMuchWork, Window, settled_window
from tests.unit.verify.ledgers import (
    BEGIN,
    JOB,
    MINUTE,
    OTHER_TENANT,
    TENANT,
    WINDOW,
    every_minute,
    found,
    history,
    missed,
    proved,
    row,
    texts,
    version,
)

OTHER_JOB = "00000002-0000-4000-8000-000000000000"


def test_faultless_ledger_is_clean() -> None:
    report = proved(every_minute())
    assert report.is_clean
    assert (report.job_count, report.owed_count, report.row_count) == (1, 60, 60)


@given(st.sets(st.integers(0, 59), min_size=1))
def test_rows_taken_away_are_exactly_what_is_missing(gone: set[int]) -> None:
    report = proved([one for minute, one in enumerate(every_minute()) if minute not in gone])
    holes = {
        minute
        for kind, first, last in found(report)
        for minute in range(int(first) // 60, int(last) // 60 + 1)
        if kind == "missing"
    }
    assert holes == gone
    assert report.counts == {Kind.MISSING: len(gone)}


def test_hole_is_one_finding_with_its_count() -> None:
    report = proved(every_minute(0, 10) + every_minute(20, 60))
    (finding,) = report.findings
    assert (finding.kind, finding.count, finding.job_id, finding.tenant_id) == (Kind.MISSING, 10, JOB, TENANT)
    assert found(report) == [("missing", 600, 1140)]


def test_job_without_any_row_misses_all_that_it_owes() -> None:
    silent = history(job_id=OTHER_JOB)
    report = proved(every_minute(), history(), silent)
    assert report.counts == {Kind.MISSING: 60}
    assert report.findings[0].job_id == OTHER_JOB


def test_second_row_of_an_instant_is_double() -> None:
    report = proved([*every_minute(), row(120, execution_id="z")])
    assert found(report) == [("double", 120, 120)]
    assert report.findings[0].execution_id == "z"


@pytest.mark.parametrize("second", [30.0, 60.5])
def test_row_that_no_version_owed_is_a_phantom(second: float) -> None:
    report = proved([*every_minute(), row(second)])
    assert found(report) == [("unexplained", second, second)]
    assert texts(report, Kind.UNEXPLAINED) == ["no version of the job owed this instant"]


def test_manual_execution_needs_no_instant_and_makes_no_double() -> None:
    assert proved([*every_minute(), row(120, trigger_type="manual"), row(33.3, trigger_type="manual")]).is_clean


def test_missed_range_accounts_for_its_instants() -> None:
    assert proved([*every_minute(0, 5), missed(300, 540, 5), *every_minute(10)]).is_clean


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        (missed(300, 480, 4), [("missing", 540, 540)]),
        (missed(300, 480, 5), [("unexplained", 300, 300), ("missing", 540, 540)]),
        (missed(300, 540, 4), [("unexplained", 300, 300)]),
        (missed(300, 540, 6), [("unexplained", 300, 300)]),
        (missed(360, 540, 4), [("missing", 300, 300)]),
        (missed(301, 540, 4), [("missing", 300, 300)]),
        (missed(300, 600, 6), [("double", 600, 600)]),
        (missed(240, 540, 6), [("double", 240, 240)]),
    ],
)
def test_missed_range_with_a_hole_a_wrong_count_or_an_overlap_is_named(
    range_: LedgerRow, expected: list[tuple[str, float, float]]
) -> None:
    report = proved([*every_minute(0, 5), range_, *every_minute(10)])
    assert sorted(found(report)) == sorted(expected)


def test_missed_range_that_was_entered_before_its_last_instant_was_late_is_early() -> None:
    planted = missed(300, 540, 5, created_s=BEGIN + 420)
    report = proved([*every_minute(0, 5), planted, *every_minute(10)])
    assert found(report) == [("early", 300, 300)]
    assert texts(report, Kind.EARLY) == ["entered as missed 120.000 s before its last instant came"]


def test_missed_range_that_was_entered_when_its_last_instant_was_merely_late_is_early() -> None:
    planted = missed(300, 540, 5, created_s=BEGIN + 570)
    report = proved([*every_minute(0, 5), planted, *every_minute(10)])
    assert texts(report, Kind.EARLY) == ["entered as missed when its last instant was 30.000 s late, within the grace"]


def test_missed_range_across_the_windows_edges_is_counted_as_a_whole() -> None:
    rows = [missed(-600, 60, 12), *every_minute(2, 58), missed(3480, 3720, 5)]
    assert proved(rows).is_clean
    wrong = [missed(-600, 60, 11), *every_minute(2, 58), missed(3480, 3720, 4)]
    assert found(proved(wrong)) == [("unexplained", -600, -600), ("unexplained", 3480, 3480)]


def test_each_version_owes_up_to_and_with_the_instant_at_which_the_next_took_effect() -> None:
    job = history(MINUTE, version(600, "30 * * * * *"), version(1200.5, "0 */10 * * * *"))
    rows = [*every_minute(0, 11), *(row(630 + 60 * n) for n in range(10)), *(row(1800 + 600 * n) for n in range(3))]
    assert proved(rows, job).is_clean
    assert found(proved([*rows, row(660)], job)) == [("unexplained", 660, 660)]


def test_paused_job_owes_nothing_until_it_is_resumed() -> None:
    job = history(MINUTE, version(600, status="paused"), version(1200))
    assert proved(every_minute(0, 11) + every_minute(21), job).is_clean
    assert found(proved(every_minute(0, 11) + every_minute(22), job)) == [("missing", 1260, 1260)]


def test_version_that_took_effect_before_the_one_before_it_governs_from_there() -> None:
    job = history(MINUTE, version(1200, "30 * * * * *"), version(600, "0 */30 * * * *"))
    assert proved([*every_minute(0, 11), row(1800)], job).is_clean


def test_start_and_end_of_a_schedule_count_in_to_the_second() -> None:
    job = history(version(-9000, start_s=BEGIN + 120.0, end_s=BEGIN + 240.0))
    assert proved([row(120), row(180), row(240)], job).is_clean
    job = history(version(-9000, start_s=BEGIN + 120.001, end_s=BEGIN + 239.999))
    assert proved([row(180)], job).is_clean


def test_row_admitted_before_a_change_took_its_instant_away_is_no_phantom() -> None:
    job = history(MINUTE, version(599.5, status="paused"))
    skipped = row(600, "skipped", reason="paused", created_s=BEGIN + 599.1)
    report = proved([*every_minute(0, 10), skipped], job)
    assert report.is_clean
    assert report.ahead_count == 1
    assert found(proved([*every_minute(0, 10), skipped._replace(created_s=BEGIN + 599.6)], job)) == [
        ("unexplained", 600, 600)
    ]
    assert found(proved([*every_minute(0, 10), row(900, created_s=BEGIN + 500.0)], job)) == [("unexplained", 900, 900)]


def test_row_of_no_job_or_of_another_tenants_job_is_unexplained() -> None:
    strange = row(60, job_id=OTHER_JOB)
    assert texts(proved([*every_minute(), strange]), Kind.UNEXPLAINED) == [
        "there is no such job, or it is another tenant's"
    ]
    report = proved([*every_minute(0, 59), row(3540, tenant_id=OTHER_TENANT)])
    assert {one.kind for one in report.findings} == {Kind.MISSING, Kind.UNEXPLAINED}


@pytest.mark.parametrize("broken", [version(-9000, "61 * * * * *"), version(-9000, zone="Nowhere/Atoll")])
def test_job_that_cannot_be_read_is_told_and_the_others_are_proved(broken: ScheduleVersion) -> None:
    bad = history(broken, job_id=OTHER_JOB)
    rows = [*every_minute(1), row(60, "skipped", job_id=OTHER_JOB)]
    report = proved(rows, history(), bad)
    assert [one.kind for one in report.findings] == [Kind.MISSING, Kind.UNREADABLE, Kind.UNEXPLAINED]


def test_version_that_cannot_be_read_is_met_on_the_way() -> None:
    report = proved(every_minute(0, 11), history(MINUTE, version(600, "nonsense")))
    assert found(report) == [("unreadable", 0, 0)]


def test_young_instants_are_left_out() -> None:
    begin, end = (datetime.fromtimestamp(moment, UTC) for moment in (BEGIN, BEGIN + 3600))
    window = settled_window(begin, end, end)
    assert window == Window(BEGIN, BEGIN + 3480, BEGIN + 3600, BEGIN + 3600.0)
    assert proved(every_minute(0, 58), window=window).is_clean
    assert settled_window(end, end, begin) == Window(BEGIN + 3600, BEGIN + 3600, BEGIN + 3600, BEGIN)


def test_counts_stay_exact_when_findings_are_left_out() -> None:
    rows = [one._replace(reason="because") for one in every_minute()]
    report = proved(rows, findings_max=3)
    assert (len(report.findings), report.counts) == (3, {Kind.UNEXPLAINED: 60})


def test_too_much_work_ends_without_a_report() -> None:
    silent = history(version(-9000, "* * * * * *"))
    with pytest.raises(TooMuchWork):
        proved([], silent, work_max=1000)
    with pytest.raises(TooMuchWork):
        proved(every_minute(), work_max=100)
    assert proved(every_minute(), work_max=121).window == WINDOW
