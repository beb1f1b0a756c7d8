"""Calls about executions and the scheduler itself, and waiting for an execution's end.

Guarantee: who waits asks at growing intervals, and never longer than was said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from horolog.client.calls import ANY, Call, Page, Wish, change, modelled, pages, part, read
from horolog.client.errors import StillGoing
from horolog.client.exchange import Terms, exchange
from horolog.client.wire import Flow, Pause, reading
from schemas.events.executions import ExecutionStatus, TriggerType
from schemas.http import CommandAnswer, ExecutionPage, ExecutionResponse, ExecutionStatistics, ExecutionSummary
from schemas.http_status import StatusResponse

GOING = frozenset({ExecutionStatus.PENDING, ExecutionStatus.RUNNING})
LOOK_S = 0.05
LOOK_S_MAX = 2.0


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """Which executions: all conditions must hold; the time range is over the nominal instant."""

    job_id: str | None = None
    status: ExecutionStatus | None = None
    trigger_type: TriggerType | None = None
    tag: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    def query(self) -> dict[str, object]:
        """As the API takes it."""
        return {
            "jobId": self.job_id,
            "status": self.status,
            "triggerType": self.trigger_type,
            "tag": self.tag,
            "from": None if self.start is None else self.start.isoformat(),
            "to": None if self.end is None else self.end.isoformat(),
        }


EVERY_EXECUTION = ExecutionFilter()


@dataclass(frozen=True, slots=True)
class Output:
    """What an execution wrote to its two streams, as far as it was kept."""

    stdout: str = ""
    stderr: str = ""


def list_executions(
    where: ExecutionFilter = EVERY_EXECUTION, *, limit: int | None = None
) -> Call[Page[ExecutionSummary]]:
    """The tenant's executions, latest instant first, page after page as they are looked at."""
    return pages("/executions", ExecutionPage, where.query(), limit)


def get_execution(execution_id: str) -> Call[ExecutionResponse]:
    """One execution with its result."""
    return read(_path(execution_id), ExecutionResponse)


def execution_output(execution_id: str) -> Call[Output]:
    """What an execution wrote to its two streams."""

    def steps(terms: Terms) -> Flow[Output]:
        return output_of((yield from get_execution(execution_id)(terms)))

    return steps


def cancel_execution(execution_id: str, *, reason: str | None = None, wish: Wish = ANY) -> Call[ExecutionResponse]:
    """End an execution that waits or runs; a running one is `running` until its worker has ended it."""
    return change("POST", f"{_path(execution_id)}/cancel", ExecutionResponse, {"reason": reason}, wish)


def wait_for_execution(execution_id: str, *, timeout_s: float = 300.0) -> Call[ExecutionResponse]:
    """The execution once it has ended, in whatever way; `StillGoing` when it has not in this time."""

    def steps(terms: Terms) -> Flow[ExecutionResponse]:
        end, pause_s = terms.monotonic() + timeout_s, LOOK_S
        while True:
            answer = yield from exchange(reading(_path(execution_id)), terms)
            execution = modelled(answer, ExecutionResponse, terms)
            if execution.status not in GOING:
                return execution
            left_s = end - terms.monotonic()
            if left_s <= 0:
                raise StillGoing(f"The execution is {execution.status} still, after {timeout_s:g} s.")
            yield Pause(min(pause_s, left_s))
            pause_s = min(pause_s * 1.5, LOOK_S_MAX)

    return steps


def execution_statistics(
    *, job_id: str | None = None, start: datetime | None = None, end: datetime | None = None
) -> Call[ExecutionStatistics]:
    """Counts and durations over a time range: the last 24 hours unless told."""
    found = ExecutionFilter(job_id=job_id, start=start, end=end).query()
    return read("/executions/stats", ExecutionStatistics, found)


def get_command(command_id: str) -> Call[CommandAnswer]:
    """What became of a command, such as one that `PartitionUnowned` named."""
    return read(f"/commands/{part(command_id)}", CommandAnswer)


def get_status() -> Call[StatusResponse]:
    """Who owns which partition, how far everything is, and which of the tenant's jobs are overdue."""
    return read("/status", StatusResponse)


def output_of(execution: ExecutionResponse) -> Output:
    """The streams of an execution: a command has them as its result, a function beside it."""
    found: dict[str, str] = {}
    for told in (execution.result, execution.metadata):
        if isinstance(told, Mapping):
            texts = {name: told.get(name) for name in ("stdout", "stderr")}
            found |= {name: text for name, text in texts.items() if isinstance(text, str)}
    return Output(**found)


def _path(execution_id: str) -> str:
    return f"/executions/{part(execution_id)}"
