"""Administrators manage users: those of a tenant their own, those of the platform all, and neither itself."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from schemas.events.workers import SYSTEM_TENANT
from services.api.accounts.bounds import STATE_FRESH_S
from services.api.permissions import EVERYTHING, ROLES, Permission
from tests.unit.api.memory_accounts import password_of
from tests.unit.api.test_bad_input import problems
from tests.unit.api.test_sign_in import jobs, log_in, signed_in
from tests.unit.api.world import OUR_TOKEN, OURS, THEIRS, UNKNOWN, World

USERS = "/api/v1/users"


async def boss_of(world: World, tenant_id: str = OURS) -> str:
    """The access token of a new administrator of a tenant."""
    name = f"boss-{tenant_id[:8]}"
    world.issuing.add(name, tenant_id, "admin")
    return str((await log_in(world, name)).json()["accessToken"])


async def root(world: World) -> str:
    """The access token of a new administrator of the platform."""
    world.issuing.add_platform_admin()
    return str((await log_in(world, "root")).json()["accessToken"])


async def create(world: World, token: str, **body: Any) -> httpx.Response:
    """The answer to who wants a user."""
    return await world.ask("POST", USERS, {"name": "ada", "roles": ["viewer"], **body}, token=token)


async def names(world: World, token: str, query: str = "") -> list[str]:
    """Whom a caller sees."""
    answer = await world.ask("GET", f"{USERS}{query}", token=token)
    return [user["name"] for user in answer.json()["items"]]


async def test_a_new_user_has_a_password_for_once_and_is_listed(world: World) -> None:
    boss = await boss_of(world)
    answer = await create(world, boss, name="Ada", roles=["operator", "viewer"])
    user, secret = answer.json()["user"], answer.json()["oneTimePassword"]
    assert (user["name"], user["tenantId"], user["roles"]) == ("ada", OURS, ["viewer", "operator"])
    assert user["mustChangePassword"]
    assert (await log_in(world, "ada", secret)).json()["error"]["code"] == "PASSWORD_CHANGE_REQUIRED"
    shown = await world.ask("GET", answer.headers["location"], token=boss)
    assert shown.json() == user
    assert secret not in shown.text
    assert set(await names(world, boss)) == {"ada", f"boss-{OURS[:8]}"}
    assert (await create(world, boss)).json()["error"]["code"] == "USER_ALREADY_EXISTS"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": "-ada"}, "name"),
        ({"name": "ädä"}, "name"),
        ({"roles": ["superuser"]}, "roles"),
        ({"roles": []}, "roles"),
        ({"roles": ["platform-admin"]}, "roles"),
        ({"roles": ["viewer", "platform-admin"]}, "roles"),
        ({"password": "x"}, "password"),
        ({"tenantId": "ours"}, "tenantId"),
    ],
)
async def test_bad_users_are_refused(world: World, changes: dict[str, Any], field: str) -> None:
    answer = await create(world, await boss_of(world), **changes)
    assert answer.status_code == 422
    assert list(problems(answer)) == [field]


async def test_foreign_users_are_unknown_to_a_tenants_administrator(world: World) -> None:
    boss = await boss_of(world)
    theirs, ours = world.issuing.add("them", THEIRS, "viewer"), world.issuing.add("us", OURS, "viewer")
    platform = world.issuing.add_platform_admin()
    told = set()
    for id_ in (theirs.id, platform.id, UNKNOWN, "nonsense", ours.id.upper() + "x"):
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"disabled": True}),
            ("POST", "/password", None),
            ("POST", "/revoke", None),
            ("GET", "/sessions", None),
            ("DELETE", f"/sessions/{UNKNOWN}", None),
        ):
            answer = await world.ask(method, f"{USERS}/{id_}{path}", body, token=boss)
            told.add((answer.status_code, answer.text.replace(answer.json()["path"], "")))
    assert [status for status, _ in told] == [404]
    assert world.issuing.store.by_id[theirs.id] == theirs
    assert world.issuing.store.by_id[platform.id] == platform
    assert "them" not in await names(world, boss)
    assert await names(world, boss, f"?tenantId={THEIRS}") == []
    assert (await create(world, boss, tenantId=THEIRS)).status_code == 403


async def test_the_platforms_administrator_manages_users_of_all_and_reads_nobodys_jobs(world: World) -> None:
    token = await root(world)
    await world.created()
    made = [await create(world, token, name=name, tenantId=tenant) for name, tenant in (("a", OURS), ("b", THEIRS))]
    assert [answer.json()["user"]["tenantId"] for answer in made] == [OURS, THEIRS]
    assert set(await names(world, token)) == {"a", "b", "root"}
    assert await names(world, token, f"?tenantId={THEIRS}") == ["b"]
    for path in ("/jobs", "/executions", "/metrics", "/status", "/workers", "/queues"):
        assert (await world.ask("GET", path, token=token)).status_code == 403
    another = (await create(world, token, name="root2", roles=["platform-admin"])).json()["user"]
    assert another["tenantId"] is None
    assert (await create(world, token, name="c")).status_code == 422


async def test_users_come_in_pages(world: World) -> None:
    token = await root(world)
    for name in "abc":
        world.issuing.add(name, OURS, "viewer")
    seen, cursor, page = list[str](), "", dict[str, Any]()
    for _ in range(4):
        page = (await world.ask("GET", f"{USERS}?limit=1{cursor}", token=token)).json()
        seen += [user["name"] for user in page["items"]]
        cursor = f"&cursor={page['nextCursor']}"
    assert (seen, page["nextCursor"]) == (["c", "b", "a", "root"], None)
    assert (
        await world.ask("GET", f"{USERS}?cursor=MjAyNi0wMS0wMVQwMDowMDowMCswMDowMHxh", token=token)
    ).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"disabled": True}),
        ("PATCH", "", {"roles": ["operator"]}),
        ("POST", "/password", None),
        ("POST", "/revoke", None),
    ],
)
async def test_what_takes_rights_away_is_felt_within_seconds(world: World, method: str, path: str, body: Any) -> None:
    boss, tokens = await boss_of(world), await signed_in(world)
    (ada,) = [user for user in world.issuing.store.by_id.values() if user.name == "ada"]
    assert await jobs(world, tokens) == 200
    assert (await world.ask(method, f"{USERS}/{ada.id}{path}", body, token=boss)).is_success
    world.clock.at += timedelta(seconds=STATE_FRESH_S + 0.1)
    assert await jobs(world, tokens) == 401
    refreshed = await world.ask("POST", "/api/v1/auth/refresh", {"refreshToken": tokens["refreshToken"]})
    assert refreshed.status_code == 401


async def test_a_disabled_user_may_be_enabled_and_a_reset_password_is_for_once(world: World) -> None:
    boss, ada = await boss_of(world), world.issuing.add("ada", OURS, "viewer")
    for disabled, status in ((True, 401), (False, 200)):
        await world.ask("PATCH", f"{USERS}/{ada.id}", {"disabled": disabled}, token=boss)
        assert (await log_in(world, "ada")).status_code == status
    reset = (await world.ask("POST", f"{USERS}/{ada.id}/password", token=boss)).json()["oneTimePassword"]
    assert (await log_in(world, "ada")).status_code == 401
    assert (await log_in(world, "ada", reset)).json()["error"]["code"] == "PASSWORD_CHANGE_REQUIRED"


async def test_one_session_is_ended_and_another_goes_on(world: World) -> None:
    boss, first = await boss_of(world), await signed_in(world)
    second = (await log_in(world, "ada")).json()
    (ada,) = [user for user in world.issuing.store.by_id.values() if user.name == "ada"]
    place = f"{USERS}/{ada.id}/sessions"
    listed = (await world.ask("GET", place, token=boss)).json()["items"]
    assert len(listed) == 2
    ended = next(id_ for id_, kept in world.issuing.store.kept.items() if kept.user_id == ada.id)
    statuses = [(await world.ask("DELETE", f"{place}/{ended}", token=boss)).status_code for _ in range(2)]
    assert statuses == [204, 404]
    assert [await jobs(world, tokens) for tokens in (first, second)] == [401, 200]


async def test_nobody_changes_its_own_roles_or_disables_itself(world: World) -> None:
    token = await root(world)
    (me,) = world.issuing.store.by_id
    for body in ({"disabled": True}, {"roles": ["platform-admin"]}):
        answer = await world.ask("PATCH", f"{USERS}/{me}", body, token=token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "OWN_ACCOUNT")


async def test_a_tenants_static_token_manages_no_users(world: World) -> None:
    assert (await world.ask("GET", USERS, token=OUR_TOKEN)).status_code == 403
    assert (await create(world, OUR_TOKEN)).status_code == 403


def test_rights_beyond_jobs_come_with_their_roles_only() -> None:
    of_platform = {Permission.TENANTS_MANAGE, Permission.TENANTS_ERASE}
    beyond = {Permission.AUDIT_READ, Permission.USERS_MANAGE, *of_platform}
    assert frozenset(Permission) - EVERYTHING == beyond
    assert ROLES["auditor"] == {Permission.AUDIT_READ}
    assert ROLES["platform-admin"] == {Permission.USERS_MANAGE, *of_platform}
    assert ROLES["admin"] - EVERYTHING == {Permission.USERS_MANAGE, Permission.AUDIT_READ}
    assert [role for role, granted in ROLES.items() if of_platform & granted] == ["platform-admin"]


async def test_the_token_of_a_user_is_judged_by_its_session_and_not_by_its_claims(world: World) -> None:
    ada, sign = world.issuing.add("ada", OURS, "viewer"), world.issuing.built_in.sign_in
    assert (await log_in(world, "ada")).status_code == 200
    (session_id,) = world.issuing.store.kept
    live = await world.issuing.store.live(session_id, world.clock.now())
    assert live is not None
    for changes, status in (
        ({"roles": ("admin",)}, 403),
        ({"tenant_id": THEIRS}, 401),
        ({"tenant_id": SYSTEM_TENANT}, 401),
        ({"user_id": UNKNOWN}, 401),
        ({"session_version": 2}, 401),
        ({"session_id": UNKNOWN}, 401),
        ({"session_id": "nonsense"}, 401),
    ):
        forged = sign.signer.sign(replace(live, **changes), world.clock.now(), "1")
        assert (await world.ask("POST", "/jobs", {}, token=forged)).status_code == status, changes
    assert ada.roles == ("viewer",)
    assert password_of("ada") not in repr(ada)
