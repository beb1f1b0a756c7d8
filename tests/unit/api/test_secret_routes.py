"""A tenant's own secrets over HTTP: set, listed by name, deleted, and never read."""

import pytest

from services.api.permissions import Permission, permissions_of
from tests.unit.api.world import OUR_TOKEN, OURS, THEIR_TOKEN, World, open_world

SECRETS = "/api/v1/secrets"
HUSH = "hush-9f2c7a"
OWN = {"Authorization": f"Bearer {OUR_TOKEN}"}


async def test_secret_is_set_replaced_listed_and_deleted_without_being_shown(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="horolog")
    first = await world.ask("PUT", f"{SECRETS}/billing", {"value": HUSH})
    second = await world.ask("PUT", f"{SECRETS}/billing", {"value": f"{HUSH}!"})
    listed = await world.ask("GET", SECRETS)
    assert [answer.json()["version"] for answer in (first, second)] == [1, 2]
    assert listed.json() == {"items": [second.json()]}
    assert set(second.json()) == {"name", "version", "createdAt", "updatedAt"}
    assert await world.vault.secret(OURS, "billing") == f"{HUSH}!"
    deleted = [await world.ask("DELETE", f"{SECRETS}/billing") for _ in range(2)]
    assert [answer.status_code for answer in deleted] == [204, 404]
    for answer in (first, second, listed, *deleted):
        assert HUSH not in answer.text
    assert HUSH not in caplog.text
    assert world.log.records == []


async def test_secret_is_its_tenants_alone(world: World) -> None:
    await world.ask("PUT", f"{SECRETS}/billing", {"value": HUSH})
    assert (await world.ask("GET", SECRETS, token=THEIR_TOKEN)).json() == {"items": []}
    assert (await world.ask("DELETE", f"{SECRETS}/billing", token=THEIR_TOKEN)).status_code == 404


@pytest.mark.parametrize("name", ["Upper", "-a", "a-", "a b", "x" * 101, "a%2fb"])
async def test_impossible_name_is_refused(world: World, name: str) -> None:
    assert (await world.client.put(f"{SECRETS}/{name}", json={"value": "v"}, headers=OWN)).status_code in (400, 404)
    assert world.vault.kept == {}


@pytest.mark.parametrize("body", [{}, {"value": ""}, {"value": 1}, {"value": "a\x00"}, {"value": HUSH, "more": 1}])
async def test_bad_body_is_refused_without_being_repeated(world: World, body: dict[str, object]) -> None:
    answer = await world.ask("PUT", f"{SECRETS}/billing", body)
    assert (answer.status_code, HUSH in answer.text) == (422, False)


async def test_erased_tenant_keeps_no_secret_and_without_keys_nobody_does(world: World) -> None:
    await world.vault.erase(OURS, world.clock.now())
    assert (await world.ask("PUT", f"{SECRETS}/billing", {"value": HUSH})).status_code == 409
    world.vault.is_away = True
    assert (await world.ask("PUT", f"{SECRETS}/billing", {"value": HUSH})).status_code == 503
    async with open_world(has_keys=False) as keyless:
        assert (await keyless.ask("PUT", f"{SECRETS}/billing", {"value": HUSH})).status_code == 422


def test_those_who_write_jobs_may_set_secrets_and_those_who_operate_may_not() -> None:
    may = {role: Permission.SECRETS_WRITE in permissions_of([role]) for role in ("viewer", "operator", "developer")}
    assert may == {"viewer": False, "operator": False, "developer": True}
    assert Permission.SECRETS_WRITE in permissions_of(["admin"])
