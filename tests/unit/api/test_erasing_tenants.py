"""Erasing a tenant's key over the API: by those who may by name, with the id twice, for good."""

import logging
from collections.abc import AsyncIterator, Mapping

import pytest

from services.api.authentication import ServiceTokens
from services.api.permissions import EVERYTHING, Permission
from services.api.ports import Headers, Principal
from services.api.settings import GRANTED_TO_SERVICES, CallingService, digest_of
from tests.unit.api.test_users import root
from tests.unit.api.world import OUR_TOKEN, OURS, SERVICE_TOKEN, THEIR_TOKEN, THEIRS, World, open_world

NAMED = {"tenantId": OURS}


def place(tenant_id: str = OURS) -> str:
    return f"/api/v1/tenants/{tenant_id}/erase"


async def test_key_and_secrets_of_the_tenant_are_gone_for_good_and_of_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for token in (OUR_TOKEN, THEIR_TOKEN):
        await world.ask("PUT", "/api/v1/secrets/billing", {"value": "hush"}, token=token)
        await world.vault.sealing_key(OURS if token == OUR_TOKEN else THEIRS)
    token = await root(world)
    with caplog.at_level(logging.WARNING, "horolog.api"):
        answers = [await world.ask("POST", place(), NAMED, token=token) for _ in range(2)]
    assert [answer.json() for answer in answers] == [
        {"tenantId": OURS, "erased": True, "hadAny": had_any} for had_any in (True, False)
    ]
    assert (world.vault.erased, set(world.vault.keys)) == ({OURS}, {THEIRS})
    assert [tenant for tenant, _ in world.vault.kept] == [THEIRS]
    refused = await world.ask("PUT", "/api/v1/secrets/billing", {"value": "hush"})
    assert refused.json()["error"]["code"] == "KEY_ERASED"
    assert len([record for record in caplog.records if "erased" in record.getMessage()]) == 2


@pytest.mark.parametrize("body", [{"tenantId": THEIRS}, {}, {"tenantId": "yes"}, {"tenantId": OURS, "more": 1}])
async def test_without_the_same_id_in_the_body_nothing_is_erased(world: World, body: Mapping[str, object]) -> None:
    answer = await world.ask("POST", place(), dict(body), token=await root(world))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_BODY")
    assert world.vault.erased == set()


async def test_what_is_no_tenants_id_is_unknown(world: World) -> None:
    token = await root(world)
    for id_ in ("x", "00000000-0000-0000-0000-000000000000"):
        answer = await world.ask("POST", place(id_), NAMED, token=token)
        assert answer.json()["error"]["code"] == "TENANT_NOT_FOUND"


class Managers:
    """Recognises everybody as one who manages tenants, and does nothing else."""

    async def recognise(self, headers: Headers) -> Principal | None:
        return Principal(OURS, "user:manager", frozenset({Permission.TENANTS_MANAGE}))


@pytest.fixture
async def managed() -> AsyncIterator[World]:
    service = CallingService(digest_of(SERVICE_TOKEN), "billing", GRANTED_TO_SERVICES)
    async with open_world(callers=Managers(), services=ServiceTokens([service])) as world:
        yield world


async def test_who_manages_tenants_does_not_erase_them_unless_that_was_said(managed: World) -> None:
    assert (await managed.ask("POST", place(), NAMED)).status_code == 403
    assert Permission.TENANTS_ERASE not in EVERYTHING | GRANTED_TO_SERVICES
    assert managed.vault.erased == set()


async def test_where_nothing_is_encrypted_there_is_nothing_to_erase() -> None:
    async with open_world(has_keys=False) as world:
        answer = await world.ask("POST", place(), NAMED, token=await root(world))
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_BODY")


async def test_a_vault_that_does_not_answer_erases_nothing_and_says_so(world: World) -> None:
    token, world.vault.is_away = await root(world), True
    answer = await world.ask("POST", place(), NAMED, token=token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "DATABASE_UNAVAILABLE")


async def test_erasing_is_told_in_the_audit_trail(world: World) -> None:
    await world.ask("POST", place(), NAMED, token=await root(world))
    while not [call for call in world.log.calls if call.route.endswith("/erase")]:
        world.log.called.clear()
        await world.log.called.wait()
    (call,) = [call for call in world.log.calls if call.route.endswith("/erase")]
    assert (call.actor, call.object_id, call.code) == ("user:root", OURS, "OK")
