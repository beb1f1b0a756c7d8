"""Nothing is served to whoever proves to be nobody: every route, every method, every spelling."""

import logging
import re

import pytest

from services.api.authentication import ServiceTokens, StaticTokens
from services.api.permissions import EVERYTHING, Permission
from services.api.ports import Headers, Principal
from services.api.settings import ApiSettings, CallingService, TenantToken, digest_of
from tests.unit.api.contract import check_answer, operations
from tests.unit.api.world import API, JOB, OUR_TOKEN, OURS, SERVICE_TOKEN, UNKNOWN, World, open_world

OPEN = {"/health", "/internal/health"}
SUBMISSIONS = sorted(f"/api/v1/auth/{name}" for name in ("token", "refresh", "logout", "password"))
CLOSED = [(method, path) for method, path in operations() if path not in (*OPEN, *SUBMISSIONS)]
_NAMES = {name for _, path in operations() for name in re.findall(r"{(\w+)}", path)}
IDS = {**dict.fromkeys(_NAMES, UNKNOWN), "actor": "user:1", "name": "name"}
OTHERS = [
    *("/", "/docs", "/redoc", "/openapi.json", "/internal", "/internal/", "/metrics", "/internal/jobs", "//health"),
    *("/health/", "/Health", f"{API}/health", f"{API}/jobs/health", f"{API}/jobs/..;/health", "/health;x", "/x/health"),
    *(
        "/api/v1/auth",
        "/api/v1/auth/",
        "/api/v1/auth/token/",
        "/api/v1/auth/token;x",
        "/API/v1/auth/token",
        "/auth/token",
    ),
    *("/api/v1/auth/sessions", "/x/api/v1/auth/token", "/api/v1//auth/token", f"{API}/auth/token"),
    *("/internal/health/", "/internal//health", "/internal/jobs/health", "/%2e/health", "/internal/../health/x"),
]
WRONG: list[dict[str, str]] = [
    {},
    {"Authorization": "Bearer "},
    {"Authorization": "Bearer nobody-at-all-0123456789"},
    {"Authorization": OUR_TOKEN},
    {"Authorization": f"Basic {OUR_TOKEN}"},
    {"Authorization": f"Bearer {OUR_TOKEN}x"},
    {"Authorization": f"Bearer {OUR_TOKEN.upper()}"},
    {"X-Service-Token": ""},
    {"X-Service-Token": "nobody-at-all-0123456789"},
]


class Powerless:
    """Recognises everybody, and allows nothing."""

    async def recognise(self, headers: Headers) -> Principal | None:
        return Principal(OURS, "token:powerless", frozenset())


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_route_is_closed_without_a_valid_token(world: World, method: str, path: str) -> None:
    place = path.format(**IDS)
    for headers in WRONG:
        answer = await world.client.request(method, place, json=JOB, headers=headers)
        check_answer(answer)
        assert answer.status_code == 401
        if path.startswith("/internal"):
            assert answer.json()["errorCode"] == "UNAUTHORIZED"
        else:
            assert answer.json()["error"]["code"] == "UNAUTHORIZED"
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert world.log.records == []


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "DELETE"])
async def test_other_addresses_are_closed_as_well(world: World, method: str) -> None:
    for path in OTHERS:
        assert (await world.client.request(method, path)).status_code == 401, path


async def test_health_is_open_to_reading_only(world: World) -> None:
    assert [(await world.client.get(path)).status_code for path in sorted(OPEN)] == [200, 200]
    assert [(await world.client.post(path)).status_code for path in sorted(OPEN)] == [401, 401]


async def test_what_proves_itself_is_open_to_posting_only_and_only_with_an_issuer(world: World) -> None:
    assert {(await world.client.post(path)).status_code for path in SUBMISSIONS} == {422}
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        assert {(await world.client.request(method, path)).status_code for path in SUBMISSIONS} == {401}
    async with open_world(has_issuer=False) as without:
        assert {(await without.client.post(path)).status_code for path in SUBMISSIONS} == {401}
        known = [await without.ask("POST", path, {"name": "a"}) for path in (*SUBMISSIONS, "/api/v1/users")]
        assert {answer.status_code for answer in known} == {404}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"{API}/jobs", {"X-Service-Token": SERVICE_TOKEN}),
        ("/internal/jobs/create", {"Authorization": f"Bearer {OUR_TOKEN}", "X-Tenant-Id": OURS}),
    ],
)
async def test_token_of_one_api_does_not_open_the_other(world: World, path: str, headers: dict[str, str]) -> None:
    assert (await world.client.post(path, json=JOB, headers=headers)).status_code == 401


async def test_two_tokens_at_once_prove_nobody(world: World) -> None:
    headers = [("Authorization", f"Bearer {OUR_TOKEN}"), ("Authorization", f"Bearer {OUR_TOKEN}")]
    assert (await world.client.get(f"{API}/jobs", headers=headers)).status_code == 401


async def test_body_is_not_read_before_the_caller_is_known(world: World) -> None:
    answer = await world.client.post(f"{API}/jobs", content=b"x" * 2_000_000)
    assert answer.status_code == 401


async def test_recognised_caller_acts_for_the_tokens_tenant() -> None:
    callers = StaticTokens([TenantToken(digest_of(OUR_TOKEN), OURS, "ours")])
    principal = await callers.recognise([(b"authorization", f"Bearer {OUR_TOKEN}".encode())])
    assert principal == Principal(OURS, "token:ours", EVERYTHING)


async def test_each_service_is_recognised_by_its_own_token_as_long_as_it_is_named() -> None:
    old, new = "service-old-0123456789", "service-new-0123456789"
    services = ServiceTokens([CallingService(digest_of(token), "billing") for token in (old, new)])
    for token in (old, new):
        principal = await services.recognise([(b"x-service-token", token.encode())])
        assert principal == Principal("", "service:billing", EVERYTHING)
    assert await ServiceTokens([]).recognise([(b"x-service-token", b"")]) is None


async def test_a_service_may_do_what_it_was_given_and_no_more() -> None:
    reader = CallingService(digest_of(SERVICE_TOKEN), "reader", frozenset({Permission.JOBS_READ}))
    headers = {"X-Service-Token": SERVICE_TOKEN, "X-Tenant-Id": OURS}
    async with open_world(services=ServiceTokens([reader])) as world:
        read = await world.client.get(f"/internal/jobs/{UNKNOWN}", headers=headers)
        written = await world.client.post("/internal/jobs/create", json=JOB, headers=headers)
        assert (read.status_code, written.status_code) == (404, 403)
        assert world.log.records == []


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_route_demands_its_permission(method: str, path: str) -> None:
    async with open_world(callers=Powerless(), services=Powerless()) as world:
        place = path.format(**IDS)
        answer = await world.client.request(method, place, json=JOB)
        check_answer(answer)
        assert answer.status_code == 403
        assert world.log.records == []


async def test_served_requests_tell_the_route_and_the_tenant_and_nothing_that_was_sent(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await world.ask("GET", f"/jobs/{UNKNOWN}?secret=1")
        await world.ask("GET", "/jobs", token="wrong-token-0123456789")
    seen = [(one.method, one.route, one.status, one.tenant_id) for one in world.served]
    assert seen == [("GET", f"{API}/jobs/{{job_id}}", 404, OURS), ("GET", "unknown", 401, "")]
    told = repr(world.served) + "".join(record.getMessage() for record in caplog.records if "httpx" not in record.name)
    assert not [word for word in ("secret", OUR_TOKEN, "wrong-token", UNKNOWN) if word in told]


def test_settings_show_no_token() -> None:
    settings = ApiSettings(
        (CallingService(digest_of(SERVICE_TOKEN)),), (TenantToken(digest_of(OUR_TOKEN), OURS, "ours"),)
    )
    assert SERVICE_TOKEN not in repr(settings)
    assert OUR_TOKEN not in repr(settings)
