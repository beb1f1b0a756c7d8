"""On whose authority jobs run, in a whole system: a disabled user's do not, and one within tags reaches no others."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from horolog.cli.preparation import bring_up_to_date
from services.api.accounts.signing import new_key
from tests.e2e.system import PREFIX, TENANT, System, job, running
from tests.integration.api.test_accounts import signed_in, told_once

USERS = "/api/v1/users"


@dataclass(frozen=True, slots=True)
class Company:
    """A system with users, the first of whom manages the platform."""

    system: System
    root: dict[str, str]

    async def user(self, name: str, **fields: Any) -> tuple[str, dict[str, str]]:
        """The id of a new user of the first tenant, and the headers by which it calls."""
        body = {"name": name, "roles": ["developer"], "tenantId": TENANT, **fields}
        made = await self.system.nobody.post(USERS, json=body, headers=self.root)
        told = made.raise_for_status().json()
        return told["user"]["id"], await headers(self.system.nobody, name, told["oneTimePassword"])

    async def change(self, user_id: str, **fields: Any) -> httpx.Response:
        return await self.system.nobody.patch(f"{USERS}/{user_id}", json=fields, headers=self.root)


async def headers(client: httpx.AsyncClient, name: str, once: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {(await signed_in(client, name, once))['accessToken']}"}


@pytest.fixture
async def company(capfd: pytest.CaptureFixture[str], migrated_database: str, tmp_path: Path) -> AsyncIterator[Company]:
    (tmp_path / "key.pem").write_bytes(new_key())
    (tmp_path / "key.pem").chmod(0o600)
    await bring_up_to_date(migrated_database)
    async with running(migrated_database, HOROLOG_AUTH_KEY_FILE=str(tmp_path / "key.pem")) as system:
        yield Company(system, await headers(system.nobody, "admin", await told_once(capfd)))


def ended(page: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of the page that are over, newest first; the next fire is told of ahead of its instant."""
    return [one for one in page["items"] if one["status"] not in ("pending", "running")]


@pytest.mark.slow
async def test_jobs_of_a_disabled_user_do_not_run_until_it_is_enabled(company: Company) -> None:
    user_id, ada = await company.user("ada")
    body = job(cronExpression="* * * * * *")
    made = (await company.system.nobody.post(f"{PREFIX}/jobs", json=body, headers=ada)).raise_for_status().json()
    path = f"/jobs/{made['id']}/executions?limit=5"
    await company.system.eventually(path, lambda page: any(one["status"] == "completed" for one in page["items"]))
    assert (await company.change(user_id, disabled=True)).status_code == 200
    stopped = await company.system.eventually(
        path, lambda page: [one["reason"] for one in ended(page)[:2]] == ["owner_barred"] * 2
    )
    assert {one["status"] for one in ended(stopped)[:2]} == {"skipped"}
    own = (await company.system.client.get("/api/v1/tenant")).json()
    assert (own["disabledOwners"], own["ownSettings"], own["barredActors"]) == (["user:ada"], False, [])
    assert own["allowedExecutables"] == ["/bin/sh"]
    assert (await company.change(user_id, disabled=False)).status_code == 200
    await company.system.eventually(path, lambda page: ended(page)[0]["status"] == "completed")


@pytest.mark.slow
async def test_user_within_tags_reaches_no_other_job(company: Company) -> None:
    _, ada = await company.user("ada", tags=["billing"])
    client = company.system.nobody
    beyond = (await company.system.client.post(f"{PREFIX}/jobs", json=job(tags=["other"]))).json()
    refused = await client.post(f"{PREFIX}/jobs", json=job(tags=["other"]), headers=ada)
    assert refused.json()["error"]["code"] == "TAG_REQUIRED"
    made = (await client.post(f"{PREFIX}/jobs", json=job(tags=["billing"]), headers=ada)).raise_for_status().json()
    ran = await client.post(f"{PREFIX}/jobs/{made['id']}/trigger", headers=ada)
    assert ran.status_code == 201
    listed = (await client.get(f"{PREFIX}/jobs", headers=ada)).json()
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    for deed in ("trigger", "pause", "stop"):
        answer = await client.post(f"{PREFIX}/jobs/{beyond['id']}/{deed}", headers=ada)
        assert answer.json()["error"]["code"] == "JOB_NOT_FOUND"
    moved = await company.system.client.put(f"{PREFIX}/jobs/{made['id']}", json=job(tags=["other"]))
    assert moved.status_code == 200
    assert (await client.get(f"{PREFIX}/jobs/{made['id']}", headers=ada)).status_code == 404
    assert (await client.get(f"{PREFIX}/executions/{ran.json()['id']}", headers=ada)).status_code == 404


@pytest.mark.slow
async def test_erased_tenant_takes_no_secret_any_more(company: Company) -> None:
    secret = "/api/v1/secrets/billing"
    assert (await company.system.client.put(secret, json={"value": "hush-hush"})).status_code == 200
    erase = f"/api/v1/tenants/{TENANT}/erase"
    answer = await company.system.nobody.post(erase, json={"tenantId": TENANT}, headers=company.root)
    assert answer.json() == {"tenantId": TENANT, "erased": True, "hadAny": True}
    refused = await company.system.client.put(secret, json={"value": "hush-hush"})
    assert refused.json()["error"]["code"] == "KEY_ERASED"
