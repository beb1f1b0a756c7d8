"""One example for every body of the API, by the name of its schema; the OpenAPI document shows them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from services.api.account_examples import ACCOUNT_EXAMPLES
from services.api.audit_examples import AUDIT_EXAMPLES
from services.api.event_examples import EVENT_EXAMPLES
from services.api.notification_examples import NOTIFICATION_EXAMPLES
from services.api.tenant_examples import TENANT_EXAMPLES

_TENANT = "3f0d7a52-6c1e-4a57-9b0e-0d7f4a3c9e11"
_JOB = "b7a1c9de-52f3-5c11-8d0a-6f1d2e3c4b5a"
_EXECUTION = "0c9e5b1f-7d24-5e63-9a8b-1f2e3d4c5b6a"
_COMMAND = "e1d2c3b4-a596-5788-97a6-b5c4d3e2f1a0"
_CREATED = "2026-03-01T08:00:00Z"
_FIRED = "2026-03-02T01:30:00Z"
_NEXT = "2026-03-03T01:30:00Z"
_NOW = "2026-03-02T08:00:00Z"

_OVERDUE = {"jobId": _JOB, "since": _FIRED, "reason": "unaccounted"}
_HEALTH: dict[str, Any] = {
    "status": "unhealthy",
    "service": "scheduler-service",
    "port": 3009,
    "dependencies": {
        "database": "healthy",
        "redis": "healthy",
        "jobQueue": "healthy",
        "distributedLock": "healthy",
        "services": {"ticker": "healthy", "dispatcher": "healthy", "executor": "healthy"},
        "schedules": "unhealthy",
        "auditSink": "disabled",
    },
    "metrics": {"activeJobs": 10, "queueSize": 3, "memoryUsage": 98_566_144},
    "problems": ["1 schedule is overdue: an instant has come, and nothing tells of it."],
}
_WINDOW: dict[str, Any] = {
    "start": _FIRED,
    "seconds": 60,
    "admitted": 12,
    "started": 12,
    "completed": 9,
    "failed": 1,
    "cancelled": 0,
    "skipped": 2,
    "missed": 0,
    "retried": 1,
    "ended": 10,
    "endedPerSecond": 0.16666666666666666,
    "failureRate": 0.1,
    "lateness": {"count": 11, "averageMs": 42.5, "maxMs": 130},
}
_DEFINITION: dict[str, Any] = {
    "name": "nightly settlement",
    "cronExpression": "0 30 2 * * *",
    "timezone": "Europe/Vienna",
    "jobType": "http",
    "config": {"url": "https://billing.example.com/settle", "method": "POST", "body": {"day": "yesterday"}},
    "retryConfig": {"maxRetries": 3, "retryDelayMs": 1000, "exponentialBackoff": True},
    "timeout": 120,
    "tags": ["billing"],
    "misfire": {"policy": "all", "maxAge": 86400, "maxCount": 10, "rate": 1.0},
    "overlap": {"policy": "queueAll", "queueMax": 10},
    "delivery": "at_least_once",
}
_JOB_BODY: dict[str, Any] = {
    "id": _JOB,
    "description": None,
    "priority": 0,
    "maxConcurrent": 1,
    "startDate": None,
    "endDate": None,
    "maxExecutions": None,
    **_DEFINITION,
    "status": "active",
    "nextExecutionAt": _NEXT,
    "lastExecutionAt": _FIRED,
    "executionCount": 1,
    "version": 1,
    "createdBy": "token:billing",
    "createdAt": _CREATED,
    "updatedAt": _CREATED,
}
_SUMMARY: dict[str, Any] = {
    "id": _EXECUTION,
    "executionId": _EXECUTION,
    "jobId": _JOB,
    "triggerType": "scheduled",
    "triggeredBy": None,
    "status": "completed",
    "reason": None,
    "blockedBy": None,
    "progress": 100,
    "scheduledAt": _FIRED,
    "startedAt": "2026-03-02T01:30:00.003Z",
    "completedAt": "2026-03-02T01:30:01.253Z",
    "durationMs": 1250,
    "errorType": None,
    "errorCode": None,
    "errorMessage": None,
    "attempt": 1,
    "retryCount": 0,
    "retryAt": None,
    "workerId": "worker-7",
    "memoryPeakMb": 41,
    "cpuTimeMs": 320,
    "missedUntil": None,
    "missedCount": None,
    "lateCount": 0,
    "lateBy": 3,
    "createdAt": _FIRED,
}
_EXECUTION_BODY = {
    **_SUMMARY,
    "result": {"settled": 112},
    "metadata": {"statusCode": 200, "headers": {"content-type": "application/json"}},
    "errorStack": None,
}
_SECRET = {"name": "billing-token", "version": 3, "createdAt": _CREATED, "updatedAt": _FIRED}
_PROBLEM = {
    "field": "cronExpression",
    "message": "minute: 61 is not between 0 and 59.",
    "cronField": "minute",
    "reason": "61 is not between 0 and 59.",
}
_NO_OUTLOOK: dict[str, Any] = {
    "instantCount": 0,
    "missedCount": 0,
    "missedFrom": None,
    "missedUntil": None,
    "lateCount": 0,
    "lateUntil": None,
    "rate": None,
    "promptCount": 0,
    "late": [],
}


def _internal(data: Any) -> dict[str, Any]:
    return {"success": True, "timestamp": _NOW, "serviceName": "scheduler-service", "data": data}


EXAMPLES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        **ACCOUNT_EXAMPLES,
        **AUDIT_EXAMPLES,
        **EVENT_EXAMPLES,
        **NOTIFICATION_EXAMPLES,
        **TENANT_EXAMPLES,
        "JobDefinition": _DEFINITION,
        "TriggerBody": {"parameters": {"day": "2026-03-01"}, "reason": "the night's run had failed"},
        "ReasonBody": {"reason": "maintenance of the billing service"},
        "ResumeBody": {"reason": "the billing service is back", "catchUp": True},
        "JobResponse": _JOB_BODY,
        "VersionPage": {
            "items": [
                {
                    "version": 2,
                    "at": _FIRED,
                    "until": None,
                    "change": "updated",
                    "status": "active",
                    "actor": "token:billing",
                    "reason": "the books close later now",
                    "commandId": _COMMAND,
                    "diff": [{"path": "/cronExpression", "before": "0 0 2 * * *", "after": "0 30 2 * * *"}],
                }
            ],
            "nextCursor": None,
        },
        "RollbackBody": {"toVersion": 1, "reason": "the books close early again"},
        "FiresResponse": {
            "jobId": _JOB,
            "status": "active",
            "timezone": "Europe/Vienna",
            "from": "2026-03-28T12:00:00Z",
            "to": "2026-03-30T00:00:00Z",
            "items": [
                {
                    "at": "2026-03-29T01:00:00Z",
                    "localTime": "2026-03-29T03:00:00+02:00",
                    "dst": "gap-shifted",
                    "active": True,
                }
            ],
            "nextFrom": None,
        },
        "ResumePreview": {
            "jobId": _JOB,
            "status": "paused",
            "version": 2,
            "timezone": "Europe/Vienna",
            "at": _NOW,
            "misfire": _DEFINITION["misfire"],
            "runsLeft": None,
            "withoutCatchUp": {**_NO_OUTLOOK, "inForceFrom": _NOW},
            "withCatchUp": {
                **_NO_OUTLOOK,
                "inForceFrom": "2026-02-27T08:00:00Z",
                "instantCount": 3,
                "missedCount": 2,
                "missedFrom": "2026-02-28T01:30:00Z",
                "missedUntil": "2026-03-01T01:30:00Z",
                "lateCount": 1,
                "lateUntil": _NOW,
                "rate": 1.0,
                "late": [{"at": _FIRED, "localTime": "2026-03-02T02:30:00+01:00", "dst": None}],
            },
        },
        "JobPage": {"items": [_JOB_BODY], "nextCursor": None},
        "ValidationResponse": {"valid": False, "problems": [_PROBLEM], "nextExecutions": []},
        "ExecutionResponse": _EXECUTION_BODY,
        "ExecutionPage": {"items": [_SUMMARY], "nextCursor": None},
        "ExecutionStatistics": {
            "from": _CREATED,
            "to": _NOW,
            "total": 3,
            "byStatus": {"completed": 2, "failed": 1},
            "successRate": 0.6667,
            "averageDurationMs": 1250.0,
            "p50DurationMs": 1200.0,
            "p95DurationMs": 1900.0,
            "timeoutCount": 1,
            "retriedCount": 1,
            "failuresByType": {"TIMEOUT": 1},
            "today": {"completed": 1},
        },
        "CommandAnswer": {
            "commandId": _COMMAND,
            "status": "applied",
            "links": {"self": f"/api/v1/scheduler/commands/{_COMMAND}", "job": f"/api/v1/scheduler/jobs/{_JOB}"},
        },
        "StatusResponse": {
            "status": "degraded",
            "timestamp": _NOW,
            "partitionCount": 16,
            "owners": [
                {
                    "role": "ticker",
                    "partition": 0,
                    "owner": "host-1",
                    "epoch": 4,
                    "acquiredAt": _CREATED,
                    "lastCheckpointAt": _NOW,
                    "ageSeconds": 0.4,
                    "watermark": _NOW,
                    "watermarkAgeSeconds": 0.0,
                    "lag": 0,
                    "live": True,
                }
            ],
            "unowned": ["dispatcher/0"],
            "standing": [],
            "projections": [{"partition": 0, "lag": 0}],
            "overdueCount": 1,
            "overdueJobs": [_OVERDUE],
        },
        "MetricsResponse": {
            "totalJobs": 12,
            "activeJobs": 10,
            "pausedJobs": 2,
            "totalExecutions": 480,
            "successfulExecutions": 475,
            "failedExecutions": 4,
            "cancelledExecutions": 1,
            "averageExecutionTime": 812.5,
            "queueLength": 3,
            "activeWorkers": 2,
            "errorRate": 0.0083,
            "timeoutRate": 0.002,
            "retryRate": 0.01,
        },
        "QueuesResponse": {
            "queues": [
                {
                    "queueName": "executions",
                    "pendingCount": 3,
                    "runningCount": 5,
                    "delayedCount": 1,
                    "oldestPendingAt": _NOW,
                    "oldestPendingAgeSeconds": 0.8,
                }
            ]
        },
        "WorkersResponse": {
            "workers": [
                {
                    "workerId": "worker-7",
                    "state": "ready",
                    "live": True,
                    "capacity": 100,
                    "heldCount": 12,
                    "runningCount": 10,
                    "finishedCount": 4711,
                    "host": "host-1",
                    "pid": 4242,
                    "isolation": "namespaces",
                    "controlGroups": ["memory", "processes", "cpu"],
                    "functions": ["billing.close_month"],
                    "memoryMb": 96,
                    "startedAt": _CREATED,
                    "lastBeatAt": _NOW,
                    "setAside": [{"partition": 3, "stall": "takes_nothing"}],
                }
            ]
        },
        "SecretBody": {"value": "what nobody else may know"},
        "SecretResponse": _SECRET,
        "SecretList": {"items": [_SECRET]},
        "HealthResponse": _HEALTH,
        "InternalHealthResponse": {**_HEALTH, "overdueJobs": [{"tenantId": _TENANT, **_OVERDUE}]},
        "LedgerReport": {
            "from": _CREATED,
            "to": _NOW,
            "leftOutFrom": None,
            "clean": False,
            "jobCount": 1,
            "owedCount": 1,
            "rowCount": 0,
            "aheadCount": 0,
            "counts": {"missing": 1, "double": 0, "early": 0, "unexplained": 0, "unended": 0, "unreadable": 0},
            "findings": [
                {
                    "kind": "missing",
                    "tenantId": _TENANT,
                    "jobId": _JOB,
                    "first": _FIRED,
                    "last": _FIRED,
                    "count": 1,
                    "executionId": None,
                    "text": "no row tells of it",
                }
            ],
        },
        "ErrorResponse": {
            "error": {
                "code": "INVALID_CRON_EXPRESSION",
                "message": "The cron expression is refused.",
                "details": [_PROBLEM],
            },
            "timestamp": _NOW,
            "path": "/api/v1/scheduler/jobs",
        },
        "AnalyticsResponse": {"start": _FIRED, "end": _NOW, "windows": [_WINDOW]},
        "InternalErrorResponse": {
            "success": False,
            "errorCode": "JOB_NOT_FOUND",
            "message": "There is no such job.",
            "timestamp": _NOW,
            "serviceName": "scheduler-service",
        },
        "InternalCreateBody": {"tenantId": _TENANT, **_DEFINITION},
        "BatchCreateBody": {"tenantId": _TENANT, "jobs": [_DEFINITION]},
        "InternalReasonBody": {"tenantId": _TENANT, "reason": "the tenant's plan has ended"},
        "InternalResumeBody": {"tenantId": _TENANT, "catchUp": True},
        "InternalTriggerBody": {"tenantId": _TENANT, "parameters": {"day": "2026-03-01"}},
        "InternalJobAnswer": _internal(_JOB_BODY),
        "InternalExecutionAnswer": _internal(_EXECUTION_BODY),
        "InternalBatchAnswer": _internal(
            {
                "createdCount": 1,
                "failedCount": 1,
                "items": [
                    {"index": 0, "success": True, "job": _JOB_BODY},
                    {
                        "index": 1,
                        "success": False,
                        "errorCode": "INVALID_CRON_EXPRESSION",
                        "message": "The cron expression is refused.",
                        "details": [_PROBLEM],
                    },
                ],
            }
        ),
        "InternalStatusAnswer": _internal(
            {
                "jobId": _JOB,
                "name": "nightly settlement",
                "status": "active",
                "version": 1,
                "nextExecutionAt": _NEXT,
                "lastExecutionAt": _FIRED,
                "executionCount": 1,
                "runningExecutions": [],
            }
        ),
    }
)
