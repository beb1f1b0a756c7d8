"""The public routes of executions and of commands under way."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from projections.views import ExecutionFilter, OutcomeView
from schemas.commands import CancelExecution
from schemas.http import CommandAnswer, ExecutionPage, ExecutionResponse, ExecutionStatistics, ReasonBody
from services.api.answers import Answer
from services.api.bodies import JsonRoute
from services.api.context import Api, ExecutionCanceller, ExecutionReader
from services.api.documents import errors
from services.api.errors import ApiError, rejection
from services.api.finer_permissions import told_of
from services.api.job_routes import execution_page, read_execution
from services.api.queries import ExecutionQuery, StatisticsQuery, time_range
from services.api.requests import PREFIX, carry_out, identity_of, known_uuid

router = APIRouter(prefix=PREFIX, tags=["executions"], route_class=JsonRoute)


@router.get("/executions", responses=errors(ExecutionPage))
async def list_executions(api: Api, caller: ExecutionReader, query: Annotated[ExecutionQuery, Query()]) -> Response:
    """The tenant's executions, latest instant first."""
    where = ExecutionFilter(query.status, query.job_id, query.tag, query.trigger_type, query.start, query.end)
    items, cursor = await execution_page(api, caller, where, query)
    return Answer({"items": items, "nextCursor": cursor})


@router.get("/executions/stats", responses=errors(ExecutionStatistics))
async def execution_statistics(
    api: Api, caller: ExecutionReader, query: Annotated[StatisticsQuery, Query()]
) -> Response:
    """Counts and durations over a time range (the last 24 hours unless told)."""
    now = api.ports.clock.now()
    start, end = time_range(query.start, query.end, now)
    counted = await api.read_model.statistics(caller.tenant_id, query.job_id, start, end)
    ended = sum(counted.by_status.get(status, 0) for status in ("completed", "failed"))
    body = {
        "from": start,
        "to": end,
        "total": counted.total,
        "byStatus": counted.by_status,
        "successRate": counted.by_status.get("completed", 0) / ended if ended else None,
        "averageDurationMs": counted.average_duration_ms,
        "p50DurationMs": counted.p50_duration_ms,
        "p95DurationMs": counted.p95_duration_ms,
        "timeoutCount": counted.timeout_count,
        "retriedCount": counted.retried_count,
        "failuresByType": counted.failures_by_type,
        "today": await api.read_model.daily_counts(caller.tenant_id, now.date()),
    }
    return Answer(body)


@router.get("/executions/{execution_id}", responses=errors(ExecutionResponse))
async def get_execution(request: Request, api: Api, caller: ExecutionReader, execution_id: str) -> Response:
    """One execution with its result."""
    return Answer(await told_of(request, await read_execution(api, caller, execution_id)))


@router.post("/executions/{execution_id}/cancel", responses=errors(ExecutionResponse))
async def cancel_execution(
    request: Request, api: Api, caller: ExecutionCanceller, execution_id: str, body: ReasonBody | None = None
) -> Response:
    """End an execution that waits or runs; a running one is `running` until its worker has ended it."""
    command = CancelExecution(
        **identity_of(request, api, caller, body.to_dict() if body else None),
        execution_id=known_uuid(execution_id, "EXECUTION_NOT_FOUND"),
        reason=body.reason if body else None,
    )

    async def answer(_: OutcomeView) -> Response:
        return Answer(await told_of(request, await read_execution(api, caller, execution_id)))

    try:
        return await carry_out(request, api, command, answer)
    except ApiError as error:
        if error.code != "EXECUTION_NOT_FOUND":
            raise
        # The dispatcher knows only what is going on; the ledger tells what has ended from what never was.
        ended = await read_execution(api, caller, execution_id)
        text = f"The execution has ended already: {ended.status}."
        raise ApiError("EXECUTION_ALREADY_ENDED", text) from error


@router.get("/commands/{command_id}", responses=errors(CommandAnswer), tags=["commands"])
async def get_command(api: Api, caller: ExecutionReader, command_id: str) -> Response:
    """What became of a command that was answered with 202 or 503."""
    outcomes = await api.read_model.outcomes_of(caller.tenant_id, [known_uuid(command_id, "COMMAND_NOT_FOUND")])
    if not outcomes or outcomes[0].tenant_id != caller.tenant_id:
        raise ApiError("COMMAND_NOT_FOUND")
    outcome = outcomes[0]
    links = {"self": f"{PREFIX}/commands/{command_id}"}
    if outcome.job_id:
        links["job"] = f"{PREFIX}/jobs/{outcome.job_id}"
    if outcome.execution_id:
        links["execution"] = f"{PREFIX}/executions/{outcome.execution_id}"
    if outcome.accepted:
        status = "applied" if outcome.visible else "accepted"
        return Answer({"commandId": command_id, "status": status, "links": links})
    error = rejection(outcome.code or "REJECTED", outcome.message, outcome.details)
    return Answer({"commandId": command_id, "status": "rejected", "links": links, "error": error.body()})
