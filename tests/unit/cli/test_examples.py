"""The example jobs are good jobs, plenty within a minute, and their functions work."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from examples import load
from examples.functions import disk_report, largest_prime, slow_report, word_count
from horolog.cli.definition_check import definition_problems
from horolog.domain.cron import fires_between, parse, zone

URL = "http://127.0.0.1:3009"


class Recorder:
    """A context that remembers the progress."""

    def __init__(self) -> None:
        self.percents: list[int] = []

    def progress(self, percent: int) -> None:
        self.percents.append(percent)


def test_every_example_is_a_good_job_with_a_name_of_its_own() -> None:
    bodies = load(URL + "/")
    assert [definition_problems(body) for body in bodies] == [[]] * len(bodies)
    assert len({body["name"] for body in bodies}) == len(bodies)
    assert "{url}" not in str(bodies)


@pytest.mark.parametrize("second", [0, 17, 59])
def test_within_a_minute_all_three_types_run_well_over_a_hundred_times(second: int) -> None:
    start = datetime(2026, 1, 1, 12, 0, second, tzinfo=UTC)
    counts: Counter[str] = Counter()
    for body in load(URL):
        place = zone(body.get("timezone", "UTC"))
        fires = fires_between(parse(body["cronExpression"]), place, start, start + timedelta(seconds=60), 100)
        counts[body["jobType"]] += len(fires)
    assert sum(counts.values()) >= 130
    assert min(counts["http"], counts["command"], counts["function"]) >= 30


def test_the_functions_work() -> None:
    assert word_count("The fire, the FIRE and 7 more") == {
        "words": 6,
        "distinct": 4,
        "most_frequent": {"the": 2, "fire": 2, "and": 1},
    }
    assert largest_prime(below=100) == {"prime": 97, "count": 25}
    assert disk_report("/", warn_percent=0.0)["path"] == "/"
    with pytest.raises(ValueError, match="prime"):
        largest_prime(below=2)


def test_the_slow_report_reports_its_progress() -> None:
    recorder = Recorder()
    assert slow_report(recorder, steps=4, step_ms=0) == {"steps": 4}
    assert recorder.percents == [25, 50, 75, 100]
