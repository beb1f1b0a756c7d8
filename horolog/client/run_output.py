"""Following one run: what it prints while it goes on, and what becomes of it.

Guarantee: as `following` has it; what is told ends with the execution, and then with all of its final output. What was
not told while the run went on shows as a gap between the offsets.
"""

from dataclasses import dataclass

from horolog.client.calls import part
from horolog.client.following import StreamEvent, stream_event
from horolog.client.wire import BASE
from schemas.http_events import OutputBody

_OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class OutputEvent:
    """A piece of what a run prints. Whoever comes back with its `id` is told what follows it."""

    id: str
    body: OutputBody


RunEvent = OutputEvent | StreamEvent
"""A piece of output, or a step of the execution."""


@dataclass(frozen=True, slots=True)
class RunOf:
    """Everything that is told of one execution."""

    execution_id: str

    @property
    def path(self) -> str:
        """Where the API tells it."""
        return f"{BASE}/executions/{part(self.execution_id)}/output/stream"

    def query(self, follow: bool) -> dict[str, object]:
        """As the API takes it."""
        return {"follow": None if follow else False}

    def event(self, id_: str, type_: str, data: str) -> RunEvent:
        """A piece of output, or a step of the execution."""
        if type_ == _OUTPUT:
            return OutputEvent(id_, OutputBody.model_validate_json(data, extra="ignore"))
        return stream_event(id_, data)


@dataclass(frozen=True, slots=True)
class OutputOf:
    """What one execution prints, and nothing else."""

    execution_id: str

    @property
    def path(self) -> str:
        """Where the API tells it."""
        return RunOf(self.execution_id).path

    def query(self, follow: bool) -> dict[str, object]:
        """As the API takes it."""
        return RunOf(self.execution_id).query(follow)

    def event(self, id_: str, type_: str, data: str) -> OutputEvent | None:
        """A piece of output."""
        event = RunOf(self.execution_id).event(id_, type_, data)
        return event if isinstance(event, OutputEvent) else None
