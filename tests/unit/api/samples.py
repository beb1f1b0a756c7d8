"""A valid request for every documented operation that names an object: the table from which the wall is tested.

Guarantee: `test_tenant_walls` fails for an operation that takes an id and has no row here, for a row of an operation
that is gone, and for a row whose request is not valid for the object's own tenant. To add a route, add its row; to
add a kind of id, let `place` make such an object of ours, and name its id by the name that it has in the path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.unit.api.world import API, JOB, OUR_TOKEN, OURS, World

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
_FIRST = MappingProxyType({"If-Match": '"1"'})

BY_ID: Mapping[tuple[str, str], tuple[Sample, ...]] = MappingProxyType(
    {
        ("GET", f"{API}/jobs/{{job_id}}"): (Sample(), Sample(headers={"If-None-Match": '"9"'})),
        ("PUT", f"{API}/jobs/{{job_id}}"): (Sample(JOB), Sample(JOB, _FIRST)),
        ("DELETE", f"{API}/jobs/{{job_id}}"): (Sample(), Sample(headers=_FIRST)),
        ("POST", f"{API}/jobs/{{job_id}}/validate"): (Sample(), Sample(JOB)),
        ("POST", f"{API}/jobs/{{job_id}}/trigger"): (Sample(), Sample({"parameters": {"a": 1}})),
        ("POST", f"{API}/jobs/{{job_id}}/pause"): (Sample(), Sample({"reason": "x"}, _FIRST)),
        ("POST", f"{API}/jobs/{{job_id}}/resume"): (Sample(paused=True), Sample({"catchUp": True}, paused=True)),
        ("POST", f"{API}/jobs/{{job_id}}/stop"): (Sample(), Sample({"reason": "x"}, _FIRST)),
        ("GET", f"{API}/jobs/{{job_id}}/executions"): (Sample(),),
        ("GET", f"{API}/jobs/{{job_id}}/versions"): (Sample(),),
        ("POST", f"{API}/jobs/{{job_id}}/rollback"): (Sample({"toVersion": 1}), Sample({"toVersion": 1}, _FIRST)),
        ("GET", f"{API}/jobs/{{job_id}}/fires"): (Sample(),),
        ("GET", f"{API}/jobs/{{job_id}}/resume-preview"): (Sample(), Sample(paused=True)),
        ("GET", f"{API}/executions/{{execution_id}}"): (Sample(),),
        ("POST", f"{API}/executions/{{execution_id}}/cancel"): (Sample(), Sample({"reason": "x"})),
        ("GET", f"{API}/commands/{{command_id}}"): (Sample(),),
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
    ids = {"job_id": job_id, "execution_id": execution["id"], "command_id": command_id}
    return Placed(ids, {"jobId": job_id}, (*ids.values(), CANARY, OURS))
