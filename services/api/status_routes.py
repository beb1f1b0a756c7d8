"""The state of the scheduler itself: who owns what and how far it is, and the health checks, which are open.

Guarantee: a tenant learns of its own overdue jobs only; whoever proves nothing learns counts and no names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from horolog.limits import OVERDUE_NAMED_COUNT_MAX
from horolog.log.port import LogError, Place
from projections.views import OwnerView
from schemas.http_status import HealthResponse, InternalHealthResponse, StatusResponse
from services.api.answers import Answer
from services.api.context import Api, ApiContext, SystemReader
from services.api.documents import errors
from services.api.gate import NOBODY
from services.api.health import CHECK_S_MAX, is_live, standing, unowned
from services.api.overdue import Overdue
from services.api.patience import within
from services.api.requests import PREFIX

router = APIRouter(prefix=PREFIX, tags=["scheduler"])
open_router = APIRouter(tags=["health"])
JOBS_NAMED_COUNT_MAX = 100
"""How many of its own overdue jobs a tenant is told by name."""
_TOLD = tuple(field.name for field in fields(OwnerView) if field.name not in ("positions", "zone_data"))

Ends = Mapping[Place, int] | None
Positions = Mapping[tuple[str, int], int]


@router.get("/status", responses=errors(StatusResponse))
async def get_status(api: Api, caller: SystemReader) -> Response:
    """Who owns which partition, how far everything is, and which of the caller's jobs are overdue."""
    owners, now = await api.read_model.owners(), api.ports.clock.now()
    positions = await api.read_model.positions()
    ends = await _ends(api, owners, positions)
    count, findings = api.ports.log.partition_count, api.ports.schedules.findings
    missing = [f"{role}/{partition}" for role, partition in unowned(owners, count, now)]
    still = [f"ticker/{partition}" for partition in standing(owners, findings.behind, now)]
    overdue_count = findings.counts.get(caller.tenant_id, 0)
    overdue = findings.of_tenant(caller.tenant_id, JOBS_NAMED_COUNT_MAX)
    body = {
        "status": "degraded" if missing or still or overdue_count else "running",
        "timestamp": now,
        "partitionCount": count,
        "owners": [_owner(owner, ends, now) for owner in owners],
        "unowned": missing,
        "standing": still,
        "projections": [
            {"partition": p, "lag": _lag({place: at for place, at in positions.items() if place[1] == p}, ends)}
            for p in range(count)
        ],
        "overdueCount": overdue_count,
        "overdueJobs": [_overdue(one) for one in overdue],
    }
    return Answer(body)


@open_router.get("/health", responses=errors(HealthResponse, closed=False))
async def get_health(api: Api) -> Response:
    """Whether the parts that the scheduler depends on answer, and schedules fire; open to all, and about no tenant."""
    healthy, body = await api.health.report()
    return Answer(body, 200 if healthy else 503)


@open_router.get("/internal/health", name="get_health", responses=errors(InternalHealthResponse, closed=False))
async def get_internal_health(request: Request, api: Api) -> Response:
    """As `/health`; to other services it also names the first jobs that are overdue, and whose they are."""
    healthy, body = await api.health.report()
    named = None
    if request.scope["principal"] is not NOBODY:
        found = api.ports.schedules.findings.overdue[:OVERDUE_NAMED_COUNT_MAX]
        named = [{"tenantId": one.tenant_id, **_overdue(one)} for one in found]
    return Answer({**body, "overdueJobs": named}, 200 if healthy else 503)


async def _ends(api: ApiContext, owners: Sequence[OwnerView], positions: Positions) -> Ends:
    """Where all that is consumed ends at present; None when the log does not tell."""
    places = {Place(topic, owner.partition) for owner in owners for topic in owner.positions}
    try:
        return await within(CHECK_S_MAX, api.ports.log.ends(sorted(places | {Place(*key) for key in positions})))
    except (LogError, TimeoutError):
        return None


def _owner(owner: OwnerView, ends: Ends, now: datetime) -> dict[str, Any]:
    watermark = owner.watermark
    return {
        **{to_camel(name): getattr(owner, name) for name in _TOLD},
        "ageSeconds": (now - owner.last_checkpoint_at).total_seconds(),
        "watermarkAgeSeconds": None if watermark is None else (now - watermark).total_seconds(),
        "lag": _lag({(topic, owner.partition): at for topic, at in owner.positions.items()}, ends),
        "live": is_live(owner, now),
    }


def _lag(positions: Positions, ends: Ends) -> int | None:
    if ends is None:
        return None
    return sum(max(0, ends.get(Place(*key), 0) - position) for key, position in positions.items())


def _overdue(one: Overdue) -> dict[str, Any]:
    reason = "unreadable" if one.is_unreadable else "unaccounted"
    return {"jobId": one.job_id, "since": one.since, "reason": reason}
