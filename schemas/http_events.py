"""The events of a stream, as they are told over HTTP.

Guarantee: an event names things and says what became of them. It holds no definition, no parameters, no result and no
output: those are asked for where secrets are masked. Output is told by the streams of one run, scrubbed as it is kept.
"""

from typing import Annotated

from pydantic import Field

from schemas.base import Text, UtcTime, Uuid, Value
from schemas.events.output import OutputStream


class EventFailure(Value):
    """Why an attempt failed."""

    type: Text
    code: Text
    message: Text


class EventBody(Value):
    """One fact. What does not apply to its type is left out.

    `type` is that of the event's record without prefix and version: `execution.failed`, `job.paused`. `status` is the
    one that the job or the execution has by it, `version` the job's or the tenant's. Of the audit trail, `action`,
    `object`, `outcome` and `address` say who asked for what and how that ended.
    """

    type: Text
    at: UtcTime
    job_id: Uuid | None = None
    execution_id: Uuid | None = None
    status: Text | None = None
    scheduled_for: UtcTime | None = None
    seq: int | None = None
    attempt: int | None = None
    progress: int | None = None
    worker_id: Text | None = None
    started_at: UtcTime | None = None
    completed_at: UtcTime | None = None
    retry_at: UtcTime | None = None
    missed_until: UtcTime | None = None
    missed_count: int | None = None
    trigger_type: Text | None = None
    triggered_by: Text | None = None
    blocked_by: Uuid | None = None
    cancelled_by: Text | None = None
    requested_by: Text | None = None
    failure: EventFailure | None = None
    name: Text | None = None
    version: int | None = None
    actor: Text | None = None
    reason: Text | None = None
    command_id: Uuid | None = None
    address: Text | None = None
    action: Text | None = None
    object: Text | None = None
    outcome: Text | None = None


class OutputBody(Value):
    """What an attempt has printed to one of its streams (`event: output`).

    `offset` counts the bytes (as UTF-8) of the stream before `text`. Where it is beyond the end of what was told
    before, what lies between was not told; the final output has it. `truncated`: nothing is kept of what the attempt
    prints after this.
    """

    type: Text
    at: UtcTime
    execution_id: Uuid
    attempt: Annotated[int, Field(ge=0)]
    stream: OutputStream
    offset: Annotated[int, Field(ge=0)]
    text: Text
    truncated: bool = False


class StreamEnd(Value):
    """The last event of a stream (`event: end`): why there is no other."""

    code: Text
    message: Text
