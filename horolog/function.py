"""What a function job may know of its attempt, and how it reports how far it is.

A function that has a parameter named `context` is given a `FunctionContext`:

    def nightly(region: str, context: FunctionContext) -> dict[str, int]:
        context.progress(50)
        return {"rows": 7}
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FunctionContext:
    """The identity of one attempt. `scheduled_for` is the nominal instant, in UTC.

    `execution_id` is the same for every attempt of an execution, so it identifies a side effect that must happen
    once; `fencing_token` rises with every attempt, so a store that remembers it can refuse an older attempt.
    """

    execution_id: str
    attempt: int
    job_id: str
    tenant_id: str
    scheduled_for: datetime
    fencing_token: int
    report_progress: Callable[[int], None] = field(repr=False, compare=False)

    def progress(self, percent: float) -> None:
        """Tell how far the function is, from 0 to 100; cheap, and may be called as often as one likes."""
        self.report_progress(max(0, min(100, int(percent))))
