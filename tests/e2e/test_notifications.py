"""A job fails, and its tenant's receiver hears of it: from the API through the log to a server of this machine."""

import asyncio
import json
from typing import Any

from tests.e2e.system import DEADLINE_S, EVERYTHING, PAUSE_S, PREFIX, System, command_job, running
from tests.integration.notifications.receiving import Hook
from tests.integration.notifications.test_sending import arrived, is_signed
from tests.integration.notifications.world import SECRET

PLACE = "/api/v1/notifications"


async def asked(system: System, method: str, path: str, body: Any = None) -> Any:
    """The body of a good answer."""
    answer = await system.client.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def sent(system: System, id_: str) -> Any:
    """The delivery, once it is known to have arrived."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            page = await asked(system, "GET", f"{PLACE}/deliveries?state=sent")
            if found := [item for item in page["items"] if item["id"] == id_]:
                return found[0]
            await asyncio.sleep(PAUSE_S)


async def test_failure_of_a_job_is_told_and_can_be_told_again(migrated_database: str) -> None:
    async with Hook() as hook, running(migrated_database, (*EVERYTHING, "notifier")) as system:
        channel = {"type": "webhook", "url": hook.url, "secret": SECRET}
        rule = {"name": "bad", "kinds": ["failed"], "tags": ["told"], "channel": channel}
        await asked(system, "POST", f"{PLACE}/rules", rule)
        told, untold = command_job("exit 3", tags=["told"]), command_job("exit 3")
        for job in [await asked(system, "POST", f"{PREFIX}/jobs", body) for body in (untold, told)]:
            await asked(system, "POST", f"{PREFIX}/jobs/{job['id']}/trigger")
        async with asyncio.timeout(DEADLINE_S):
            await arrived(hook, 1)
        (got,) = hook.got
        delivery = await sent(system, got.headers["webhook-id"])
        assert (is_signed(got), json.loads(got.body)["data"]["job"]["id"]) == (True, job["id"])
        assert (delivery["kind"], delivery["statusCode"], delivery["attempt"]) == ("failed", 200, 1)
        await asked(system, "POST", f"{PLACE}/deliveries/{delivery['id']}/redeliver")
        async with asyncio.timeout(DEADLINE_S):
            await arrived(hook, 2)
        assert hook.ids == [delivery["id"]] * 2
        shown = json.dumps(await asked(system, "GET", f"{PLACE}/rules"))
        assert not [word for word in (hook.url, SECRET) if word in shown]
