"""What happened to a job: topic `jobs.v1`, the audit trail; and `job-table.v1`, the latest whole job."""

from typing import ClassVar

from schemas.base import Actor, Message, Text, UtcTime, Uuid
from schemas.jobs import Job


class JobChanged(Message):
    """A change with the job before and after it. `command_id` is empty when no command asked for it."""

    job_id: Uuid
    actor: Actor
    at: UtcTime
    command_id: Uuid | None = None
    reason: Text | None = None
    job: Job
    before: Job | None = None

    def subject(self) -> str:
        return self.job_id

    def message_id(self) -> str:
        return f"{self.job_id}/{self.job.version}"


class JobCreated(JobChanged):
    """The job exists."""

    TYPE: ClassVar[str] = "io.horolog.job.created.v1"


class JobUpdated(JobChanged):
    """The job's definition was replaced."""

    TYPE: ClassVar[str] = "io.horolog.job.updated.v1"


class JobPaused(JobChanged):
    """The job owes no fires until it is resumed."""

    TYPE: ClassVar[str] = "io.horolog.job.paused.v1"


class JobResumed(JobChanged):
    """The job owes fires again."""

    TYPE: ClassVar[str] = "io.horolog.job.resumed.v1"


class JobStopped(JobChanged):
    """The job became inactive by command."""

    TYPE: ClassVar[str] = "io.horolog.job.stopped.v1"


class JobExhausted(JobChanged):
    """The job became inactive by itself: `max_executions` was reached."""

    TYPE: ClassVar[str] = "io.horolog.job.exhausted.v1"


class JobDeleted(JobChanged):
    """The job is gone; the ledger keeps its executions."""

    TYPE: ClassVar[str] = "io.horolog.job.deleted.v1"


class JobTabled(Message):
    """The latest whole job, keyed by its id in a compacted topic; deleted jobs end as a tombstone."""

    TYPE: ClassVar[str] = "io.horolog.job.tabled.v1"
    job: Job

    def subject(self) -> str:
        return self.job.job_id

    def message_id(self) -> str:
        return f"{self.job.job_id}/{self.job.version}/{self.job.execution_count}"
