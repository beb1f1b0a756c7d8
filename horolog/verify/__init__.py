"""The ledger's proof: what the jobs' histories owe, held against what the ledger tells.

In: job histories and ledger rows, each in the order of (job, instant). Out: a `Report`: every owed instant without
a row (missing), with two (double), started before it came or missed before it was late (early), not run or there at
all without a good reason (unexplained), or still going on for too long (unended). Guarantee: nothing here shares code
with the ticker; the expression is read and the calendar is walked by this package alone, so that an error of the one
cannot hide in the other. Memory does not grow with the window: both sides are streams.

`expression` → `calendar` → `history` say what is owed; `rows` and `judging` what a row tells; `matching` merges
the two; `verification` does so for many jobs. Nothing is read from a clock, a file (but for the time zone package)
or a network.
"""

from horolog.verify.calendar import Calendar
from horolog.verify.findings import Finding, Kind, Report, TooMuchWork, Window, settled_window
from horolog.verify.history import JobHistory, ScheduleVersion, ZoneDataUse, first_owed, last_owed
from horolog.verify.rows import LedgerRow
from horolog.verify.telling import report_body
from horolog.verify.verification import Verification

__all__ = [
    "Calendar",
    "Finding",
    "JobHistory",
    "Kind",
    "LedgerRow",
    "Report",
    "ScheduleVersion",
    "TooMuchWork",
    "Verification",
    "Window",
    "ZoneDataUse",
    "first_owed",
    "last_owed",
    "report_body",
    "settled_window",
]
