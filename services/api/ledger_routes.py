"""The public route of the ledger's proof: what the tenant's schedules owe, held against its rows.

Guarantee: bounded work for one request; what is too much is refused as such, never answered in part.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from horolog.verify import TooMuchWork, report_body, settled_window
from schemas.http import ErrorResponse
from schemas.ledger import LedgerReport
from services.api.answers import Answer
from services.api.context import Api, ExecutionReader
from services.api.documents import Responses, errors
from services.api.errors import ApiError
from services.api.queries import StatisticsQuery, time_range
from services.api.requests import PREFIX

router = APIRouter(prefix=PREFIX, tags=["executions"])
WINDOW_MAX = timedelta(days=31)
WORK_MAX = 200_000
"""How many versions, instants and rows one request may look at: about a second's work."""
_ADVICE = "ask for a shorter window, or for one job"
_TOO_LARGE: Responses = {422: {"model": ErrorResponse, "description": "The window holds too much for one request."}}


@router.get("/ledger/verify", responses={**errors(LedgerReport), **_TOO_LARGE})
async def verify_ledger(api: Api, caller: ExecutionReader, query: Annotated[StatisticsQuery, Query()]) -> Response:
    """Hold every instant that the tenant's jobs owed against the ledger (the last 24 hours unless told)."""
    now = api.ports.clock.now()
    start, end = time_range(query.start, query.end, now)
    if end - start > WINDOW_MAX:
        raise ApiError("LEDGER_WINDOW_TOO_LARGE", f"The window has at most {WINDOW_MAX.days} days: {_ADVICE}.")
    window = settled_window(start, end, now)
    try:
        report = await api.read_model.verify_ledger(caller.tenant_id, query.job_id, window, WORK_MAX)
    except TooMuchWork as error:
        raise ApiError("LEDGER_WINDOW_TOO_LARGE", f"In this window {error}: {_ADVICE}.") from error
    return Answer(report_body(report))
