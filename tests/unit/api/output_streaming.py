"""Runs that print, in a log in memory, and somebody who follows one of them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from projections.views import ExecutionView
from schemas.events.executions import ExecutionCompleted, ExecutionEvent
from schemas.events.output import OutputAppended, OutputStream
from services.api.errors import ApiError
from services.api.streams.desk import StreamDesk
from services.api.streams.output_desk import AskedOutput
from tests.unit.api.streaming import ACTOR, Facts, Listening, nothing_changes
from tests.unit.projections.facts import START, TENANT, at, event, uuid_of

RUN = uuid_of(1001)
"""The execution that `facts.event` calls 1."""
EVERYTHING = ("EXECUTION_ENDED", "CAUGHT_UP")


def printed(text: str, offset: int = 0, **changes: Any) -> OutputAppended:
    """A piece of what a run prints."""
    fields: dict[str, Any] = {
        "tenant_id": TENANT,
        "execution_id": RUN,
        "job_id": uuid_of(1),
        "attempt": 1,
        "worker_id": "worker-a",
        "at": START,
        "stream": OutputStream.STDOUT,
        "offset": offset,
        "text": text,
    }
    return OutputAppended(**{**fields, **changes})


def completed(**changes: Any) -> ExecutionEvent:
    """The end of the run."""
    return event(ExecutionCompleted, 1, 9, 9, attempt=1, started_at=at(1), completed_at=at(9), **changes)


def row(status: str = "running", **changes: Any) -> ExecutionView:
    """The run as the read models show it."""
    values: dict[str, Any] = dict.fromkeys(ExecutionView.__dataclass_fields__)
    values |= {"execution_id": RUN, "tenant_id": TENANT, "job_id": uuid_of(1), "trigger_type": "manual"}
    values |= {"progress": 0, "attempt": 1, "retry_count": 0, "late_count": 0, "started_at": at(1)}
    return ExecutionView(**{**values, "status": status, "scheduled_at": START, "created_at": START, **changes})


async def show(facts: Facts, status: str = "running", **changes: Any) -> None:
    """Let the read models show everything, and the run like this."""
    facts.read_model.executions_by_id[RUN] = row(status, **changes)
    await facts.show()


def looking(facts: Facts) -> Callable[[], Awaitable[ExecutionView]]:
    """What somebody of the tenant sees of the run."""

    async def look() -> ExecutionView:
        found = await facts.read_model.execution(TENANT, RUN)
        if found is None:
            raise ApiError("EXECUTION_NOT_FOUND")
        return found

    return look


async def follow(
    facts: Facts, desk: StreamDesk, last_id: str | None = None, *, goes_on: bool = True, execution_id: str = RUN
) -> Listening:
    """Somebody who follows the run, from its beginning or after that id."""
    asked = replace(AskedOutput(TENANT, ACTOR, execution_id), follow=goes_on)
    listening = Listening((await desk.output(asked, nothing_changes, looking(facts), last_id)).frames())
    await listening.block()
    return listening


async def texts(listening: Listening, count: int) -> list[tuple[str, int, str]]:
    """Of the next pieces the stream, the offset and the text."""
    found = [(await listening.next())[1] for _ in range(count)]
    return [(one["stream"], one["offset"], one["text"]) for one in found]


async def rest(listening: Listening) -> list[str]:
    """All texts up to the end of the stream, which is the run's, or of what there is so far."""
    found = list[str]()
    while (told := await listening.next())[0] != "end":
        if told[0] == "output":
            found.append(told[1]["text"])
    assert told[1]["code"] in EVERYTHING
    await listening.close()
    return found
