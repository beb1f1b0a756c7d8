"""How fast a ledger is proved: `python -m bench.parts.verify [--rows 1000000] [--jobs 100]`.

The ledger is made by the ticker's own evaluator, row by row, for jobs of several schedules and zones; only the proof
is timed, from rows in memory. One row is taken away, so that a proof that looks at nothing does not look fast.
"""

import argparse
import time
from datetime import UTC, datetime

from horolog.domain.cron import fires_between_s, parse, zone
from horolog.verify import Calendar, JobHistory, LedgerRow, ScheduleVersion, Verification, Window

TENANT = "11111111-2222-4333-8444-555555555555"
START_S = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
EXPRESSIONS = ("0 * * * * *", "*/10 * * * * *", "30 */5 * * * *", "0 0,15,30,45 6-22 * * MON-FRI", "* * * * * *")
ZONES = ("UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe")
PART_COUNT = 5000


def _ledger(row_count: int, job_count: int) -> tuple[list[JobHistory], list[LedgerRow], int]:
    """Jobs, their rows in order, and how many seconds these take up."""
    jobs: list[JobHistory] = []
    rows: list[LedgerRow] = []
    share = row_count // job_count
    for number in range(job_count):
        expression, place = EXPRESSIONS[number % len(EXPRESSIONS)], ZONES[number % len(ZONES)]
        job_id = f"{number:08x}-0000-4000-8000-000000000000"
        instants = fires_between_s(parse(expression), zone(place), START_S, START_S + 10**10, share)
        version = ScheduleVersion(START_S, expression, place, end_s=instants[-1])
        jobs.append(JobHistory(job_id, TENANT, (version,)))
        rows += [
            LedgerRow(job_id, float(at), "", TENANT, "scheduled", "completed", at - 1.0, 1, at + 0.01)
            for at in instants
        ]
    return jobs, rows, int(max(row.scheduled_s for row in rows)) + 1 - START_S


def main() -> None:
    """Make the ledger, prove it, print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--jobs", type=int, default=100)
    given = options.parse_args()
    jobs, rows, length_s = _ledger(given.rows, given.jobs)
    gone = rows.pop(len(rows) // 2)
    end_s = START_S + length_s
    verification = Verification(Window(START_S, end_s, end_s, end_s + 600.0), Calendar())
    began = time.perf_counter()
    verification.expect(jobs)
    for first in range(0, len(rows), PART_COUNT):
        verification.take(rows[first : first + PART_COUNT])
    verification.settle()
    taken_s = time.perf_counter() - began
    report = verification.report()
    assert [(one.job_id, one.first_s) for one in report.findings] == [(gone.job_id, gone.scheduled_s)]
    per_s = report.owed_count / taken_s
    print(f"{report.row_count} rows of {report.job_count} jobs over {length_s / 86_400:.0f} days")
    print(f"{report.owed_count} owed instants in {taken_s:.2f} s: {per_s:,.0f} instants/s")


if __name__ == "__main__":
    main()
