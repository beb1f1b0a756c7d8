"""Tenants over the API: who may manage them, what is asked of the log for it, and what each is told of itself."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from projections.views import UsageView
from schemas.commands import BarActor, CreateTenant, ResumeTenant, SuspendTenant, UnbarActor, UpdateTenant
from schemas.events.workers import SYSTEM_TENANT
from schemas.tenants import Quotas, TenantSettings
from services.api.authentication import ServiceTokens
from services.api.permissions import EVERYTHING, ROLES, Permission
from services.api.ports import Headers, Principal
from services.api.settings import CallingService, digest_of
from tests.unit.api.contract import operations
from tests.unit.api.world import OURS, SERVICE_TOKEN, START, THEIRS, World, open_world

TENANTS = "/api/v1/tenants"
BODY: dict[str, Any] = {"tenantId": THEIRS, "name": "bakery", "quotas": {"maxJobs": 5}, "allowedModules": ["bakery"]}
SETTINGS = TenantSettings(name="bakery", quotas=Quotas(max_jobs=5), allowed_modules=("bakery",))


class Manager:
    """Recognises everybody as one who manages tenants, and does nothing else."""

    async def recognise(self, headers: Headers) -> Principal | None:
        return Principal(OURS, "user:manager", frozenset({Permission.TENANTS_MANAGE}))


@pytest.fixture
async def managed() -> AsyncIterator[World]:
    """A world whose callers, other services too, manage tenants."""
    service = CallingService(digest_of(SERVICE_TOKEN), "billing", frozenset({Permission.TENANTS_MANAGE}))
    async with open_world(callers=Manager(), services=ServiceTokens([service])) as world:
        yield world


def test_no_tenants_token_and_no_service_manages_tenants_unless_that_was_said() -> None:
    assert Permission.TENANTS_MANAGE not in EVERYTHING
    assert all(Permission.TENANTS_MANAGE not in ROLES[role] for role in ("viewer", "operator", "developer", "admin"))
    assert Permission.TENANTS_MANAGE not in CallingService(b"").permissions


@pytest.mark.parametrize(("method", "path"), [o for o in operations() if "/tenants" in o[1]])
async def test_a_tenants_own_token_manages_no_tenant(world: World, method: str, path: str) -> None:
    answer = await world.ask(method, path.format(tenant_id=OURS, actor="user:1"), BODY)
    assert answer.status_code == 403
    assert world.log.commands == []


async def test_a_tenant_is_created_with_its_settings_and_read_as_such(managed: World) -> None:
    answer = await managed.ask("POST", TENANTS, BODY)
    assert (answer.status_code, answer.headers["location"]) == (201, f"{TENANTS}/{THEIRS}")
    (command,) = managed.log.commands
    assert isinstance(command, CreateTenant)
    assert (command.tenant_id, command.actor, command.settings) == (THEIRS, "user:manager", SETTINGS)
    read = await managed.ask("GET", f"{TENANTS}/{THEIRS}")
    assert read.json() == answer.json()
    assert read.json()["quotas"]["maxRunning"] is None
    assert read.headers["etag"] == '"1"'


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weight": "2"}, "weight"),
        ({"quotas": {"maxJobs": "5"}}, "quotas.maxJobs"),
        ({"quotas": {"max_jobs": 5}}, "quotas.max_jobs"),
        ({"allowedExecutables": ["bin/x"]}, "allowedExecutables.0"),
        ({"httpAllowed": ["10.0.0.1/8"]}, "httpAllowed.0"),
        ({"allowedModules": ["a*"]}, "allowedModules.0"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_settings_that_are_none_are_refused_and_the_field_is_named(
    managed: World, changes: dict[str, Any], field: str
) -> None:
    await managed.ask("POST", TENANTS, BODY)
    for method, place, body in (("POST", TENANTS, {**BODY, **changes}), ("PATCH", f"{TENANTS}/{THEIRS}", changes)):
        answer = await managed.ask(method, place, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_BODY")
        assert [problem["field"] for problem in answer.json()["error"]["details"]] == [field]
    assert len(managed.log.commands) == 1


@pytest.mark.parametrize("tenant_id", [None, 7, "x", THEIRS.upper(), SYSTEM_TENANT])
async def test_what_is_no_tenants_id_is_answered_like_an_unknown_one(managed: World, tenant_id: Any) -> None:
    answer = await managed.ask("POST", TENANTS, {**BODY, "tenantId": tenant_id})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "TENANT_NOT_FOUND")
    assert (await managed.ask("GET", f"{TENANTS}/{tenant_id}")).status_code == 404


async def test_a_change_leaves_alone_what_it_does_not_name(managed: World) -> None:
    await managed.ask("POST", TENANTS, {**BODY, "quotas": {"maxJobs": 5, "maxRunning": 2}})
    changes = {"weight": 3, "quotas": {"maxJobs": None, "maxQueued": 9}}
    answer = await managed.ask("PATCH", f"{TENANTS}/{THEIRS}", changes)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    command = managed.log.commands[-1]
    assert isinstance(command, UpdateTenant)
    wanted = {"quotas": Quotas(max_running=2, max_queued=9), "weight": 3}
    assert (command.settings, command.expected_version) == (SETTINGS.model_copy(update=wanted), 1)


async def test_a_change_of_an_older_version_or_of_nobody_is_refused(managed: World) -> None:
    await managed.ask("POST", TENANTS, BODY)
    stale = await managed.ask("PATCH", f"{TENANTS}/{THEIRS}", {"weight": 3}, headers={"If-Match": '"7"'})
    unknown = await managed.ask("PATCH", f"{TENANTS}/{OURS}", {"weight": 3})
    again = await managed.ask("POST", TENANTS, BODY)
    assert (stale.status_code, unknown.status_code, again.status_code) == (412, 404, 409)


@pytest.mark.parametrize(
    ("method", "rest", "kind"),
    [
        ("POST", "/suspend", SuspendTenant),
        ("POST", "/resume", ResumeTenant),
        ("POST", "/barred-actors/user:7", BarActor),
        ("DELETE", "/barred-actors/user:7", UnbarActor),
    ],
)
@pytest.mark.parametrize("base", [TENANTS, "/internal/tenants"])
async def test_a_tenant_is_stopped_and_resumed_by_managers_and_other_services(
    managed: World, base: str, method: str, rest: str, kind: type[SuspendTenant]
) -> None:
    body = {"reason": "unpaid"} if method == "POST" else None
    answer = await managed.ask(method, f"{base}/{THEIRS}{rest}", body)
    assert answer.status_code == 200, answer.text
    (command,) = managed.log.commands
    assert (type(command), command.tenant_id, command.reason) == (kind, THEIRS, body and "unpaid")
    if isinstance(command, BarActor | UnbarActor):
        assert command.barred_actor == "user:7"
    assert command.actor == ("service:billing" if base.startswith("/internal") else "user:manager")


async def test_another_service_reads_a_tenant_that_somebody_created(managed: World) -> None:
    assert (await managed.ask("GET", f"/internal/tenants/{THEIRS}")).json()["errorCode"] == "TENANT_NOT_FOUND"
    await managed.ask("POST", TENANTS, BODY)
    assert (await managed.ask("GET", f"/internal/tenants/{THEIRS}")).json()["data"]["name"] == "bakery"


async def test_a_repeat_under_the_same_key_is_one_command_of_that_tenant(managed: World) -> None:
    key = {"Idempotency-Key": "once"}
    answers = [await managed.ask("POST", f"{TENANTS}/{THEIRS}/suspend", None, headers=key) for _ in range(2)]
    assert [answer.json()["version"] for answer in answers] == [1, 1]


async def test_tenants_are_listed_in_pages(managed: World) -> None:
    for number in range(3):
        await managed.ask("POST", TENANTS, {**BODY, "tenantId": f"00000000-0000-4000-8000-00000000000{number}"})
    first = (await managed.ask("GET", f"{TENANTS}?limit=2")).json()
    rest = (await managed.ask("GET", f"{TENANTS}?limit=2&cursor={first['nextCursor']}")).json()
    assert [item["tenantId"][-1] for item in (*first["items"], *rest["items"])] == ["2", "1", "0"]
    assert rest["nextCursor"] is None


async def test_a_tenant_is_told_its_quotas_and_what_it_uses_of_them(world: World) -> None:
    await world.created()
    implicit = (await world.ask("GET", "/api/v1/tenant")).json()
    assert (implicit["tenantId"], implicit["version"], implicit["state"]) == (OURS, 0, "active")
    assert implicit["usage"] == {"jobs": 1, "running": 0, "queued": 0}
    creation = CreateTenant(tenant_id=OURS, command_id=OURS, actor="user:1", issued_at=START, settings=SETTINGS)
    world.log.tenants.apply(creation, START)
    own = (await world.ask("GET", "/api/v1/tenant")).json()
    assert (own["version"], own["name"], own["quotas"]["maxJobs"]) == (1, "bakery", 5)


async def test_a_tenant_is_told_what_it_has_used_by_day(world: World) -> None:
    world.log.tenants.used = [
        (OURS, UsageView(date(2026, 3, 1), "completed", 4, 1200)),
        (OURS, UsageView(date(2026, 3, 1), "skipped", 1, 0)),
        (THEIRS, UsageView(date(2026, 3, 1), "completed", 99, 1)),
        (OURS, UsageView(date(2026, 3, 2), "missed", 7, 0)),
    ]
    answer = (await world.ask("GET", "/api/v1/tenant/usage?start=2026-03-01T00:00:00Z&end=2026-03-03T00:00:00Z")).json()
    assert answer["days"] == [
        {"day": "2026-03-01", "total": 5, "byStatus": {"completed": 4, "skipped": 1}, "durationMs": 1200},
        {"day": "2026-03-02", "total": 7, "byStatus": {"missed": 7}, "durationMs": 0},
    ]
    march = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 3)]
    assert world.log.tenants.asked == [(OURS, march[0], march[1])]


@pytest.mark.parametrize(
    "query", ["start=2026-03-02T00:00:00Z&end=2026-03-02T00:00:00Z", "start=2020-01-01T00:00:00Z", "from=2026-01-01"]
)
async def test_a_range_of_use_that_is_none_is_refused(world: World, query: str) -> None:
    assert (await world.ask("GET", f"/api/v1/tenant/usage?{query}")).status_code == 400
    assert (await world.ask("GET", "/api/v1/tenant/usage")).status_code == 200
    assert world.log.tenants.asked == [(OURS, START - timedelta(days=30), START)]


async def test_the_use_before_a_day_that_no_thirty_days_precede_begins_with_the_first(world: World) -> None:
    assert (await world.ask("GET", "/api/v1/tenant/usage?end=0001-01-02T00:00:00Z")).status_code == 200
    first = datetime.min.replace(tzinfo=UTC)
    assert world.log.tenants.asked == [(OURS, first, first + timedelta(days=1))]


@pytest.mark.parametrize("code", ["TENANT_SUSPENDED", "OWNER_BARRED", "COMMAND_NOT_ALLOWED", "FUNCTION_NOT_ALLOWED"])
async def test_what_a_tenant_may_not_is_told_as_forbidden_with_the_dispatchers_words(world: World, code: str) -> None:
    job = await world.created()
    world.log.reject_with = code
    answer = await world.ask("POST", f"/jobs/{job['id']}/trigger")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)
    assert answer.json()["error"]["message"].startswith("refused")
