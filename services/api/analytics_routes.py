"""The route of the figures by the minute: the caller's own tenant's, from what the analytics worker has counted.

Guarantee: bounded: at most as many windows as a day has minutes. Callers whose grant holds for certain tags only are
refused, since what is counted here is all of a tenant's jobs together.
"""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from projections.views import WindowView
from schemas.http_analytics import AnalyticsResponse
from services.api.answers import Answer
from services.api.context import Api, SystemReader
from services.api.documents import errors
from services.api.errors import ApiError
from services.api.queries import MetricsQuery, time_range

router = APIRouter(prefix="/api/v1", tags=["analytics"])
RANGE_MAX = timedelta(days=1)
WINDOW_COUNT_MAX = 1440


@router.get("/analytics", responses=errors(AnalyticsResponse))
async def get_analytics(api: Api, caller: SystemReader, query: Annotated[MetricsQuery, Query()]) -> Response:
    """The tenant's rates, failures and lateness by the minute (the last 24 hours unless told, and 24 hours at most).

    They are counted beside the scheduler, a second or more behind it, where an analytics worker runs; else there are
    none.
    """
    start, end = time_range(query.start, query.end, api.ports.clock.now())
    if end - start > RANGE_MAX:
        raise ApiError("INVALID_PARAMETER", "The time range has at most 24 hours.")
    found = await api.ports.windows.windows(caller.tenant_id, start, end, WINDOW_COUNT_MAX)
    return Answer({"start": start, "end": end, "windows": [window_body(window) for window in found]})


def window_body(window: WindowView) -> dict[str, Any]:
    """What is told of a window."""
    ended, judged = window.completed + window.failed + window.cancelled, window.completed + window.failed
    return {
        "start": window.window_start,
        "seconds": window.window_seconds,
        "admitted": window.admitted,
        "started": window.started,
        "completed": window.completed,
        "failed": window.failed,
        "cancelled": window.cancelled,
        "skipped": window.skipped,
        "missed": window.missed,
        "retried": window.retried,
        "ended": ended,
        "endedPerSecond": ended / window.window_seconds,
        "failureRate": window.failed / judged if judged else None,
        "lateness": {
            "count": window.late_count,
            "averageMs": window.late_sum_ms / window.late_count if window.late_count else None,
            "maxMs": window.late_max_ms if window.late_count else None,
        },
    }
