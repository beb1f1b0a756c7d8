"""The closed registry: type string → model, and the topic on which that type travels."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas import commands
from schemas.base import Message
from schemas.events import analytics, audit, executions, fires, jobs, output, owners, results, tenants, workers
from schemas.topics import (
    ANALYTICS,
    AUDIT,
    CHECKPOINTS,
    COMMANDS,
    CONTROL,
    DLQ,
    EXECUTIONS,
    FIRES,
    JOB_TABLE,
    JOBS,
    OUTCOMES,
    OUTPUT,
    RESULTS,
    TASKS,
    TENANT_CHANGES,
    TENANTS,
    WORKERS,
    Topic,
)

MESSAGES_OF_TOPIC: Mapping[Topic, tuple[type[Message], ...]] = MappingProxyType(
    {
        COMMANDS: (
            commands.CreateJob,
            commands.UpdateJob,
            commands.PauseJob,
            commands.ResumeJob,
            commands.StopJob,
            commands.DeleteJob,
            commands.TriggerJob,
            commands.CancelExecution,
            commands.CreateTenant,
            commands.UpdateTenant,
            commands.SuspendTenant,
            commands.ResumeTenant,
            commands.BarActor,
            commands.UnbarActor,
        ),
        OUTCOMES: (owners.CommandAccepted, owners.CommandRejected),
        JOBS: (
            jobs.JobCreated,
            jobs.JobUpdated,
            jobs.JobPaused,
            jobs.JobResumed,
            jobs.JobStopped,
            jobs.JobExhausted,
            jobs.JobDeleted,
        ),
        JOB_TABLE: (jobs.JobTabled,),
        TENANTS: (tenants.TenantTabled,),
        TENANT_CHANGES: (
            tenants.TenantCreated,
            tenants.TenantUpdated,
            tenants.TenantSuspended,
            tenants.TenantResumed,
            tenants.ActorBarred,
            tenants.ActorUnbarred,
        ),
        AUDIT: (audit.AuditRecorded,),
        FIRES: (fires.FireDue, fires.FireMissed),
        EXECUTIONS: (
            executions.ExecutionAdmitted,
            executions.ExecutionBlocked,
            executions.ExecutionSkipped,
            executions.ExecutionMissed,
            executions.AttemptDispatched,
            executions.AttemptStarted,
            executions.AttemptProgressed,
            executions.RetryScheduled,
            executions.ExecutionCompleted,
            executions.ExecutionFailed,
            executions.ExecutionCancelled,
            executions.CancellationRequested,
            executions.LateResultRecorded,
        ),
        RESULTS: (
            results.StartReported,
            results.ProgressReported,
            results.SuccessReported,
            results.FailureReported,
            results.CancellationReported,
        ),
        TASKS: (workers.TaskAssigned,),
        CONTROL: (workers.AttemptRevoked,),
        WORKERS: (workers.WorkerBeat,),
        CHECKPOINTS: (owners.OwnerCheckpointed,),
        OUTPUT: (output.OutputAppended,),
        ANALYTICS: (analytics.WindowMeasured,),
        DLQ: (owners.RecordRefused,),
    }
)

MODEL_OF_TYPE: Mapping[str, type[Message]] = MappingProxyType(
    {model.TYPE: model for models in MESSAGES_OF_TOPIC.values() for model in models}
)
TOPIC_OF_MODEL: Mapping[type[Message], Topic] = MappingProxyType(
    {model: topic for topic, models in MESSAGES_OF_TOPIC.items() for model in models}
)
