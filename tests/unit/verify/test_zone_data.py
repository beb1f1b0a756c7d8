"""What is wrong by this release of the time zone data may have been right by another: then the finding tells it."""

from dataclasses import replace

import pytest

from horolog.verify import JobHistory, Kind, ZoneDataUse
from horolog.verify.zones import zone_data_version
from tests.unit.verify.ledgers import BEGIN, every_minute, history, proved, row, texts, version

OWN = zone_data_version()
BERLIN = version(-1000.5, zone="Europe/Berlin")


def used(*uses: tuple[str, float], of: JobHistory | None = None) -> JobHistory:
    """The job, computed by these releases from so many seconds after the beginning on."""
    return replace(of or history(BERLIN), zone_data=[ZoneDataUse(name, BEGIN + after) for name, after in uses])


def test_findings_of_instants_that_another_release_decided_name_it_and_later_ones_do_not() -> None:
    rows = [one for minute, one in enumerate(every_minute()) if minute not in (5, 40)]
    phantoms = [row(330.0), row(2430.0)]
    report = proved(rows + phantoms, used(("2019a", -5000), (OWN, 1800)))
    told = f" (computed by time zone data 2019a; this proof computes by {OWN})"
    for kind in (Kind.MISSING, Kind.UNEXPLAINED):
        assert [text.endswith(told) for text in texts(report, kind)] == [True, False]
    assert report.counts == {Kind.MISSING: 2, Kind.UNEXPLAINED: 2}


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (-10, 0, "2019a"),
        (0, 1, "2019a, 2020b"),
        (1, 59, "2020b"),
        (60, 60, "2020b"),
        (61, 99, ""),
        (-10, 99, "2019a, 2020b"),
    ],
)
def test_a_release_counts_for_the_instants_after_it_began_and_up_to_where_the_next_did(
    first: float, last: float, expected: str
) -> None:
    job = used(("2019a", -5000), ("2020b", 0), (OWN, 60))
    words = job.told_zone_data(BEGIN + first, BEGIN + last)
    assert words.partition("data ")[2].partition(";")[0] == expected


@pytest.mark.parametrize("job", [used(), used((OWN, -5000)), used(("2019a", -5000), of=history(version(-1000.5)))])
def test_nothing_is_told_of_an_unknown_release_of_this_one_or_where_the_zone_is_utc(job: JobHistory) -> None:
    assert job.told_zone_data(BEGIN, BEGIN) == ""
