"""The internal API on a listener of its own, which can be kept from everybody but the platform's services."""

import httpx

from tests.e2e.system import PREFIX, SERVICE_TOKEN, TENANT, TOKEN, free_port, job, running

CALLER = {"Authorization": f"Bearer {TOKEN}"}
SERVICE = {"X-Service-Token": SERVICE_TOKEN, "X-Tenant-Id": TENANT}
BOTH = {**CALLER, **SERVICE}


async def test_each_api_is_served_by_its_own_listener_alone(migrated_database: str) -> None:
    port = free_port()
    async with (
        running(migrated_database, HOROLOG_INTERNAL_PORT=str(port)) as system,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as inner,
    ):
        outer = system.nobody
        made = await inner.post("/internal/jobs/create", json=job(), headers=SERVICE)
        assert made.status_code == 201, made.text
        path = f"{PREFIX}/jobs"
        assert (await outer.get(path, headers=CALLER)).json()["items"][0]["id"] == made.json()["data"]["id"]
        statuses = [
            (await outer.post("/internal/jobs/create", json=job(), headers=SERVICE)).status_code,
            (await outer.post("/internal/jobs/create", json=job(), headers=BOTH)).status_code,
            (await outer.get("/internal/health")).status_code,
            (await inner.get(path, headers=CALLER)).status_code,
            (await inner.get(path, headers=BOTH)).status_code,
            (await inner.get("/health")).status_code,
        ]
        assert statuses == [401, 404, 401, 401, 404, 401]
        assert ((await outer.get("/health")).status_code, (await inner.get("/internal/health")).status_code) == (
            200,
            200,
        )
        assert len((await outer.get(path, headers=CALLER)).json()["items"]) == 1
