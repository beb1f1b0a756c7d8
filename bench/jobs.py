"""The jobs that are measured, as the API takes them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

EACH_SECOND = "* * * * * *"
NEVER_SOON = "0 0 0 1 1 *"
NOTHING: dict[str, Any] = {"modulePath": "bench.functions", "functionName": "nothing"}
CONCURRENT_COUNT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Firing:
    """Jobs that all fire by one expression, from `begin` on for `seconds`; `expressions` are taken in turn."""

    count: int
    begin: datetime
    seconds: int
    expressions: tuple[str, ...] = (EACH_SECOND,)
    url: str | None = None

    @property
    def end(self) -> datetime:
        """The first instant that no longer belongs to it."""
        return self.begin + timedelta(seconds=self.seconds)

    def definition(self, number: int) -> dict[str, Any]:
        """The body of one of the jobs."""
        work: dict[str, Any] = {"jobType": "function", "config": NOTHING}
        if self.url is not None:
            work = {"jobType": "http", "config": {"url": self.url, "method": "POST", "body": {"number": number}}}
        return {
            "name": f"bench {number}",
            "cronExpression": self.expressions[number % len(self.expressions)],
            "startDate": self.begin.isoformat(),
            # Half a second short, so that whether the end itself still counts does not matter.
            "endDate": (self.end - timedelta(seconds=0.5)).isoformat(),
            "maxConcurrent": CONCURRENT_COUNT_MAX,
            **work,
        }


def resting(number: int) -> dict[str, Any]:
    """The body of a job that does not fire while it is measured."""
    body = {"name": f"resting {number}", "cronExpression": NEVER_SOON, "jobType": "function", "config": NOTHING}
    return {**body, "tags": ["bench", f"group-{number % 50}"]}
