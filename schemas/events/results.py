"""What workers report of their attempts: topic `results.v1`, read by the dispatcher.

The final report carries `started_at`, so an attempt shorter than one flush of the worker needs one record only.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Json, JsonObject, Message, UtcTime, Uuid
from schemas.events.executions import Failure, Usage


class AttemptReport(Message):
    """The identity that every report repeats."""

    execution_id: Uuid
    job_id: Uuid
    scheduled_for: UtcTime
    attempt: Annotated[int, Field(ge=1)]
    worker_id: Annotated[str, Field(max_length=100)]
    at: UtcTime

    def subject(self) -> str:
        return self.execution_id

    def message_id(self) -> str:
        return f"{self.execution_id}/{self.attempt}/{self.TYPE.split('.')[3]}"


class StartReported(AttemptReport):
    """The attempt is running since `started_at`."""

    TYPE: ClassVar[str] = "io.horolog.attempt.start-reported.v1"
    started_at: UtcTime


class ProgressReported(AttemptReport):
    """The attempt is this far, in percent."""

    TYPE: ClassVar[str] = "io.horolog.attempt.progress-reported.v1"
    progress: Annotated[int, Field(ge=0, le=100)]

    def message_id(self) -> str:
        return f"{self.execution_id}/{self.attempt}/progress/{self.progress}"


class SuccessReported(AttemptReport):
    """The attempt succeeded."""

    TYPE: ClassVar[str] = "io.horolog.attempt.success-reported.v1"
    started_at: UtcTime
    result: Json = None
    metadata: JsonObject | None = None
    usage: Usage = Usage()


class FailureReported(AttemptReport):
    """The attempt failed; `started_at` is missing when it never began."""

    TYPE: ClassVar[str] = "io.horolog.attempt.failure-reported.v1"
    started_at: UtcTime | None = None
    failure: Failure
    result: Json = None
    metadata: JsonObject | None = None
    usage: Usage = Usage()


class CancellationReported(AttemptReport):
    """The attempt was ended because it had been revoked."""

    TYPE: ClassVar[str] = "io.horolog.attempt.cancellation-reported.v1"
    started_at: UtcTime | None = None
    usage: Usage = Usage()
