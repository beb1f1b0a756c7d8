"""A valid request for every documented operation that names an object: the table from which the wall is tested.

Guarantee: `test_tenant_walls` fails for an operation that takes an id and has no row here, for a row of an operation
that is gone, and for a row whose request is not valid for the object's own tenant. To add a route, add its row; to
add a kind of id, let `place` make such an object of ours, and name its id by the name that it has in the path.

What only whoever manages the platform may ask (`OF_THE_PLATFORM`) is closed to every tenant, whatever it names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from horolog.domain.audit import CALLS, Entry, genesis, linked
from tests.unit.api.measuring import window
from tests.unit.api.test_sign_in import log_in
from tests.unit.api.world import API, JOB, OUR_TOKEN, OURS, START, THEIR_TOKEN, World

OUR_COUNT = 987_654_321
"""A figure of ours that nobody else has."""
CANARY = "walls-canary"
"""Stands in the name of whatever is ours, so that no list of anybody else's may hold it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One good request: its body, further headers, and the state (`paused`) that the job must be in."""

    body: Any = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """What is ours in a world. `ids` are by the name of the path's variable, `filters` by that of the parameter."""

    ids: Mapping[str, str]
    filters: Mapping[str, str]
    marks: tuple[str, ...]
    """Texts that no answer to another tenant may hold."""


PLAIN = Sample()
USERS = "/api/v1/users"
RULES, DELIVERIES = "/api/v1/notifications/rules", "/api/v1/notifications/deliveries"
RULE = {
    "name": "fails",
    "kinds": ["failed"],
    "channel": {"type": "webhook", "url": "https://example.com/hook", "secret": "a-secret-of-a-hook"},
}
OF_THE_PLATFORM = ("/api/v1/tenants", "/internal/tenants")
NOBODYS: Mapping[str, str] = MappingProxyType({"name": CANARY.replace("canary", "nobody")})
"""What nobody has, by the name of the path's variable, as long as what is ours; of all others it is `UNKNOWN`."""
OF_EVERY_TENANT = frozenset({("PUT", "/api/v1/secrets/{name}")})
"""Names that each tenant has for itself: who asks for one makes its own."""
_FIRST = MappingProxyType({"If-Match": '"1"'})

BY_ID: Mapping[tuple[str, str], tuple[Sample, ...]] = MappingProxyType(
    {
        ("GET", f"{API}/jobs/{{job_id}}"): (Sample(), Sample(headers={"If-None-Match": '"9"'})),
        ("PUT", f"{API}/jobs/{{job_id}}"): (Sample(JOB), Sample(JOB, _FIRST)),
        ("DELETE", f"{API}/jobs/{{job_id}}"): (Sample(), Sample(headers=_FIRST)),
        ("POST", f"{API}/jobs/{{job_id}}/validate"): (Sample(), Sample(JOB)),
        ("POST", f"{API}/jobs/{{job_id}}/trigger"): (Sample(), Sample({"reason": "x"}, _FIRST)),
        ("POST", f"{API}/jobs/{{job_id}}/pause"): (Sample(), Sample({"reason": "x"}, _FIRST)),
        ("POST", f"{API}/jobs/{{job_id}}/resume"): (Sample(paused=True), Sample({"catchUp": True}, paused=True)),
        ("POST", f"{API}/jobs/{{job_id}}/stop"): (Sample(), Sample({"reason": "x"}, _FIRST)),
        ("GET", f"{API}/jobs/{{job_id}}/executions"): (Sample(),),
        ("GET", f"{API}/jobs/{{job_id}}/versions"): (Sample(),),
        ("POST", f"{API}/jobs/{{job_id}}/rollback"): (Sample({"toVersion": 1}), Sample({"toVersion": 1}, _FIRST)),
        ("GET", f"{API}/jobs/{{job_id}}/fires"): (Sample(),),
        ("GET", f"{API}/jobs/{{job_id}}/resume-preview"): (Sample(), Sample(paused=True)),
        ("GET", f"{API}/executions/{{execution_id}}"): (Sample(),),
        ("GET", f"{API}/executions/{{execution_id}}/output/stream"): (Sample(),),
        ("POST", f"{API}/executions/{{execution_id}}/cancel"): (Sample(), Sample({"reason": "x"})),
        ("GET", f"{API}/commands/{{command_id}}"): (Sample(),),
        ("DELETE", "/api/v1/secrets/{name}"): (Sample(),),
        ("GET", f"{RULES}/{{rule_id}}"): (Sample(),),
        ("PUT", f"{RULES}/{{rule_id}}"): (Sample(RULE), Sample({"name": "misses", "kinds": ["missed"]})),
        ("DELETE", f"{RULES}/{{rule_id}}"): (Sample(),),
        ("POST", f"{RULES}/{{rule_id}}/test"): (Sample(),),
        ("POST", f"{DELIVERIES}/{{delivery_id}}/redeliver"): (Sample(),),
        ("GET", f"{USERS}/{{user_id}}"): (Sample(),),
        ("PATCH", f"{USERS}/{{user_id}}"): (Sample({"disabled": True}), Sample({"roles": ["viewer"]})),
        ("POST", f"{USERS}/{{user_id}}/password"): (Sample(),),
        ("POST", f"{USERS}/{{user_id}}/revoke"): (Sample(),),
        ("GET", f"{USERS}/{{user_id}}/sessions"): (Sample(),),
        ("DELETE", f"{USERS}/{{user_id}}/sessions/{{session_id}}"): (Sample(),),
        ("POST", "/internal/jobs/{job_id}/trigger"): (Sample(), Sample({"reason": "x"})),
        ("GET", "/internal/jobs/{job_id}/status"): (Sample(),),
        ("POST", "/internal/jobs/{job_id}/pause"): (Sample(), Sample({"reason": "x"})),
        ("POST", "/internal/jobs/{job_id}/resume"): (Sample(paused=True), Sample({"catchUp": True}, paused=True)),
    }
)


async def place(world: World, paused: bool = False) -> Placed:
    """Make one object of ours of every kind."""
    job = await world.created(token=OUR_TOKEN, name=CANARY, tags=["billing", CANARY])
    job_id = job["id"]
    execution = (await world.ask("POST", f"/jobs/{job_id}/trigger")).json()
    if paused:
        assert (await world.ask("POST", f"/jobs/{job_id}/pause")).status_code == 200
    command_id = world.log.commands[1].command_id
    await world.ask("PUT", f"/api/v1/secrets/{CANARY}", {"value": "hush"})
    ids = {"job_id": job_id, "execution_id": execution["id"], "command_id": command_id, "name": CANARY}
    ids |= {**await place_user(world, OURS), **await place_rules(world, OUR_TOKEN, CANARY)}
    told = [Entry(OURS, CALLS, START, "user:1", "DELETE /x", CANARY, "OK", f"{n}" * 64) for n in range(2)]
    world.audit.links += linked(genesis(OURS, CALLS), told)
    world.windows.rows.append((OURS, window(START - timedelta(minutes=1), admitted=OUR_COUNT)))
    filters = {"jobId": job_id, "executionId": execution["id"], "tenantId": OURS, "ruleId": ids["rule_id"]}
    return Placed(ids, filters, (*ids.values(), CANARY, OURS, str(OUR_COUNT)))


async def place_user(world: World, tenant_id: str) -> dict[str, str]:
    """A user of the tenant, signed in once."""
    user = world.issuing.add(f"user-{tenant_id[:8]}", tenant_id, "viewer")
    await log_in(world, user.name)
    (session,) = [kept.session for kept in world.issuing.store.kept.values() if kept.user_id == user.id]
    return {"user_id": user.id, "session_id": session.id}


async def place_rules(world: World, token: str, name: str) -> dict[str, str]:
    """Two notification rules of the token's tenant, each with a delivery; the ids of one of each."""
    ids: dict[str, str] = {}
    for _ in range(2):
        rule_id = (await world.ask("POST", RULES, {**RULE, "name": name}, token=token)).json()["id"]
        delivery_id = (await world.ask("POST", f"{RULES}/{rule_id}/test", token=token)).json()["id"]
        ids = {"rule_id": rule_id, "delivery_id": delivery_id}
    return ids


async def token_for(world: World, tenant_id: str, path: str) -> str:
    """The token of the tenant's caller who may ask there: its administrator, about users and what they have done."""
    if not path.startswith((USERS, "/api/v1/audit")):
        return OUR_TOKEN if tenant_id == OURS else THEIR_TOKEN
    name = f"boss-{tenant_id[:8]}"
    if await world.issuing.store.user_named(name) is None:
        world.issuing.add(name, tenant_id, "admin")
    return str((await log_in(world, name)).json()["accessToken"])
