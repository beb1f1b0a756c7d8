"""The types that grew fields when jobs got policies: one message of each, with those fields filled.

Records without these fields are older, and stay readable beside them.
"""

from datetime import timedelta

from schemas import commands
from schemas.base import Message
from schemas.events import executions, fires, jobs
from schemas.jobs import (
    Delivery,
    FunctionConfig,
    Job,
    JobDefinition,
    JobStatus,
    JobType,
    Misfire,
    MisfirePolicy,
    Overlap,
    OverlapPolicy,
)
from tests.unit.schemas.samples import AT, COMMAND, EXECUTION, FIRE, JOB, TENANT, WORKER

_DEFINITION = JobDefinition(
    name="settle",
    cron_expression="0 * * * *",
    job_type=JobType.FUNCTION,
    config=FunctionConfig(module_path="examples.functions", function_name="word_count"),
    misfire=Misfire(policy=MisfirePolicy.ALL, max_age=86_400, max_count=24, rate=0.5),
    overlap=Overlap(policy=OverlapPolicy.QUEUE_ALL, queue_max=7),
    delivery=Delivery.AT_MOST_ONCE,
)
_JOB = Job(
    job_id=JOB,
    tenant_id=TENANT,
    definition=_DEFINITION,
    status=JobStatus.PAUSED,
    version=2,
    schedule_version=2,
    effective_from=AT,
    inactive_since=AT + timedelta(seconds=1),
    created_by="user:42",
    created_at=AT,
    updated_at=AT,
)


def policy_samples() -> tuple[Message, ...]:
    """The messages, at most one of each type."""
    asked = {"tenant_id": TENANT, "command_id": COMMAND, "actor": "user:42", "issued_at": AT, "job_id": JOB}
    event = {"tenant_id": TENANT, "execution_id": EXECUTION, "job_id": JOB, "scheduled_for": FIRE, "seq": 1, "at": AT}
    asked_for = {**event, "attempt": 1, "reason": "superseded", "blocked_by": COMMAND}
    changed = {"tenant_id": TENANT, "job_id": JOB, "actor": "user:42", "at": AT, "job": _JOB}
    rows: tuple[tuple[type[Message], dict[str, object]], ...] = (
        (commands.CreateJob, {**asked, "definition": _DEFINITION}),
        (commands.UpdateJob, {**asked, "definition": _DEFINITION}),
        (commands.ResumeJob, {**asked, "catch_up": True}),
        (jobs.JobPaused, changed),
        (jobs.JobTabled, {"tenant_id": TENANT, "job": _JOB}),
        (
            fires.FireDue,
            {
                "tenant_id": TENANT,
                "job_id": JOB,
                "schedule_version": 2,
                "emitted_at": AT,
                "fire_id": EXECUTION,
                "scheduled_for": FIRE,
                "catch_up": True,
            },
        ),
        (
            executions.ExecutionAdmitted,
            {
                **event,
                "trigger_type": "scheduled",
                "job_version": 3,
                "job_type": "function",
                "catch_up": True,
                "not_before": AT + timedelta(seconds=2),
            },
        ),
        (executions.CancellationRequested, asked_for),
        (executions.ExecutionCancelled, {**asked_for, "worker_id": WORKER, "completed_at": AT}),
    )
    return tuple(model.model_validate(fields) for model, fields in rows)
