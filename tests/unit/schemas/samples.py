"""One message of every registered type, with as many fields filled as the type allows."""

from datetime import UTC, datetime, timedelta

from schemas import commands
from schemas.base import Message
from schemas.events import executions, fires, jobs, owners, results, workers
from schemas.jobs import (
    CommandConfig,
    ErrorType,
    FunctionConfig,
    HttpConfig,
    Job,
    JobDefinition,
    JobStatus,
    JobType,
    RetryConfig,
    ScheduleChange,
)

TENANT = "6f1c1f7e-0000-4000-8000-000000000001"
JOB = "6f1c1f7e-0000-4000-8000-000000000002"
COMMAND = "6f1c1f7e-0000-4000-8000-000000000003"
EXECUTION = "6f1c1f7e-0000-5000-8000-000000000004"
WORKER = "host-1/4711"
AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
FIRE = AT.replace(microsecond=0)

_HTTP = JobDefinition(
    name="Grüße an die Welt 世界",
    description="Every field that a definition has.",
    cron_expression="0 0/30 9-17 * * MON-FRI",
    timezone="Europe/Berlin",
    job_type=JobType.HTTP,
    config=HttpConfig(
        url="https://example.org/hook?a=1",
        method="POST",
        headers={"X-Kind": "golden"},
        body={"text": "ä", "numbers": [1, 2.5, None, True]},
        timeout=5000,
        expected_status_code=202,
        retry_on_status_codes=(429, 503),
    ),
    retry_config=RetryConfig(
        max_retries=5,
        retry_delay_ms=250,
        exponential_backoff=True,
        retry_on_error_types=(ErrorType.TIMEOUT, ErrorType.USER_ERROR),
        max_retry_delay_ms=60_000,
    ),
    timeout=60,
    priority=10,
    max_concurrent=2,
    start_date=AT,
    end_date=AT + timedelta(days=30),
    max_executions=1000,
    tags=("golden", "nightly"),
)
_FUNCTION = JobDefinition(
    name="count",
    cron_expression="@daily",
    job_type=JobType.FUNCTION,
    config=FunctionConfig(
        module_path="examples.functions", function_name="word_count", parameters={"text": "one two", "n": 2}
    ),
)
_COMMAND = JobDefinition(
    name="disk",
    cron_expression="*/5 * * * *",
    job_type=JobType.COMMAND,
    config=CommandConfig(
        command="df", args=("-h", "/"), working_directory="/tmp", environment={"LC_ALL": "C"}, timeout=10_000
    ),
)
_JOB = Job(
    job_id=JOB,
    tenant_id=TENANT,
    definition=_HTTP,
    effective_from=AT,
    created_by="user:42",
    created_at=AT,
    updated_at=AT,
)
_CHANGED = _JOB.model_copy(
    update={
        "definition": _FUNCTION,
        "status": JobStatus.PAUSED,
        "version": 3,
        "schedule_version": 2,
        "schedule_changes": (ScheduleChange(schedule_version=2, effective_from=AT),),
        "execution_count": 7,
        "updated_at": AT + timedelta(hours=1),
    }
)
_FAILURE = executions.Failure(
    type=ErrorType.NETWORK_ERROR,
    code="CONNECTION_REFUSED",
    message="Nobody listens at example.org:443.",
    stack="line 1\nline 2",
    retryable=True,
)
_USAGE = executions.Usage(memory_peak_mb=12, cpu_time_ms=345)


def samples() -> tuple[Message, ...]:
    """The messages, grouped as the registry groups them."""
    return (*_commands(), *_outcomes(), *_jobs(), *_fires(), *_executions(), *_results(), *_tasks(), *_owners())


def _commands() -> tuple[Message, ...]:
    asked = {
        "tenant_id": TENANT,
        "command_id": COMMAND,
        "actor": "user:42",
        "issued_at": AT,
        "request_hash": "ab" * 32,
        "reason": "maintenance",
    }
    about = {**asked, "job_id": JOB, "expected_version": 2}
    return (
        commands.CreateJob.model_validate({**asked, "job_id": JOB, "definition": _HTTP}),
        commands.UpdateJob.model_validate({**about, "definition": _COMMAND}),
        commands.PauseJob.model_validate(about),
        commands.ResumeJob.model_validate(about),
        commands.StopJob.model_validate(about),
        commands.DeleteJob.model_validate(about),
        commands.TriggerJob.model_validate({**about, "parameters": {"text": "now"}}),
        commands.CancelExecution.model_validate({**asked, "execution_id": EXECUTION}),
    )


def _outcomes() -> tuple[Message, ...]:
    return (
        owners.CommandAccepted(
            tenant_id=TENANT,
            command_id=COMMAND,
            request_hash="ab" * 32,
            at=AT,
            effective_at=AT,
            job_id=JOB,
            job_version=3,
            execution_id=EXECUTION,
            execution_seq=2,
        ),
        owners.CommandRejected(
            tenant_id=TENANT,
            command_id=COMMAND,
            at=AT,
            code="JOB_NOT_FOUND",
            message="There is no such job.",
            details={"jobId": JOB},
        ),
    )


def _jobs() -> tuple[Message, ...]:
    changed = {"tenant_id": TENANT, "job_id": JOB, "actor": "user:42", "at": AT, "command_id": COMMAND}
    both = {**changed, "reason": "as agreed", "job": _CHANGED, "before": _JOB}
    return (
        jobs.JobCreated.model_validate({**changed, "job": _JOB}),
        *(
            model.model_validate(both)
            for model in (
                jobs.JobUpdated,
                jobs.JobPaused,
                jobs.JobResumed,
                jobs.JobStopped,
                jobs.JobExhausted,
                jobs.JobDeleted,
            )
        ),
        jobs.JobTabled(tenant_id=TENANT, job=_CHANGED),
    )


def _fires() -> tuple[Message, ...]:
    fire = {"tenant_id": TENANT, "job_id": JOB, "schedule_version": 2, "emitted_at": AT}
    missed = {"miss_id": EXECUTION, "first": FIRE, "last": FIRE + timedelta(hours=1), "count": 61}
    return (
        fires.FireDue.model_validate({**fire, "fire_id": EXECUTION, "scheduled_for": FIRE}),
        fires.FireMissed.model_validate({**fire, **missed}),
    )


def _executions() -> tuple[Message, ...]:
    event = {"tenant_id": TENANT, "execution_id": EXECUTION, "job_id": JOB, "scheduled_for": FIRE, "seq": 2, "at": AT}
    job = {**event, "job_version": 3, "job_type": "http"}
    attempt = {**event, "attempt": 1, "worker_id": WORKER}
    ended = {**attempt, "started_at": FIRE, "completed_at": AT, "usage": _USAGE}
    result = {"result": {"ok": True}, "metadata": {"statusCode": 200, "headers": {"etag": "x"}}}
    rows: tuple[tuple[type[Message], dict[str, object]], ...] = (
        (
            executions.ExecutionAdmitted,
            {**job, "trigger_type": "manual", "triggered_by": "user:42", "priority": 5, "parameters": {"a": 1}},
        ),
        (executions.ExecutionBlocked, {**event, "blocked_by": COMMAND}),
        (
            executions.ExecutionSkipped,
            {**job, "trigger_type": "scheduled", "reason": "overlap", "blocked_by": COMMAND},
        ),
        (executions.ExecutionMissed, {**job, "missed_until": AT, "missed_count": 61, "reason": "misfire"}),
        (executions.AttemptDispatched, attempt),
        (executions.AttemptStarted, {**attempt, "started_at": AT}),
        (executions.AttemptProgressed, {**event, "attempt": 1, "progress": 50}),
        (executions.RetryScheduled, {**ended, "failure": _FAILURE, "retry_at": AT + timedelta(seconds=1)}),
        (executions.ExecutionCompleted, {**ended, **result}),
        (executions.ExecutionFailed, {**ended, **result, "failure": _FAILURE}),
        (executions.ExecutionCancelled, {**ended, "reason": "requested", "cancelled_by": "user:42"}),
        (
            executions.CancellationRequested,
            {**event, "attempt": 1, "reason": "requested", "requested_by": "user:42"},
        ),
        (executions.LateResultRecorded, {**attempt, "reported": "success"}),
    )
    return tuple(model.model_validate(fields) for model, fields in rows)


def _results() -> tuple[Message, ...]:
    report = {
        "tenant_id": TENANT,
        "execution_id": EXECUTION,
        "job_id": JOB,
        "scheduled_for": FIRE,
        "attempt": 2,
        "worker_id": WORKER,
        "at": AT,
    }
    ended = {**report, "started_at": FIRE, "usage": _USAGE}
    result = {"result": "text", "metadata": {"exitCode": 0}}
    return (
        results.StartReported.model_validate({**report, "started_at": FIRE}),
        results.ProgressReported.model_validate({**report, "progress": 100}),
        results.SuccessReported.model_validate({**ended, **result}),
        results.FailureReported.model_validate({**ended, **result, "failure": _FAILURE}),
        results.CancellationReported.model_validate(ended),
    )


def _tasks() -> tuple[Message, ...]:
    return (
        workers.TaskAssigned(
            tenant_id=TENANT,
            execution_id=EXECUTION,
            job_id=JOB,
            attempt=2,
            worker_id=WORKER,
            scheduled_for=FIRE,
            not_before=AT,
            trigger_type=executions.TriggerType.RETRY,
            priority=5,
            timeout_ms=10_000,
            job_name="disk",
            job_type=JobType.COMMAND,
            config=_COMMAND.config,
        ),
        workers.AttemptRevoked(tenant_id=TENANT, execution_id=EXECUTION, attempt=2, worker_id=WORKER, at=AT),
        workers.WorkerBeat(
            worker_id=WORKER,
            inbox=3,
            state=workers.WorkerState.READY,
            capacity=20,
            prefetch=10,
            held=(workers.HeldAttempt(execution_id=EXECUTION, attempt=2),),
            running_count=1,
            finished_count=99,
            started_at=FIRE,
            at=AT,
            host="host-1",
            pid=4711,
            isolation="process",
            memory_mb=64,
        ),
    )


def _owners() -> tuple[Message, ...]:
    return (
        owners.OwnerCheckpointed(
            role="ticker",
            partition=3,
            owner="host-1/17",
            epoch=5,
            acquired_at=FIRE,
            at=AT,
            positions={"job-table.v1": 12, "commands.v1": 0},
            watermark=FIRE,
            replay_from=4,
        ),
        owners.RecordRefused(
            topic="commands.v1",
            partition=3,
            offset=17,
            reason="the value is not JSON",
            refused_by="dispatcher",
            at=AT,
            value_base64="bm90IGpzb24=",
            value_bytes=8,
        ),
    )


def control_group_samples() -> tuple[Message, ...]:
    """The message, at most one of each type."""
    [beat] = [message for message in samples() if isinstance(message, workers.WorkerBeat)]
    return (beat.model_copy(update={"control_groups": tuple(workers.Resource)}),)
