"""The API seals every command that it writes, with the platform's own key; without keys it seals none."""

import pytest

from horolog.domain.command_seals import CommandKey, CommandSeals, is_sealed
from schemas.codec import type_of
from tests.unit.api.world import JOB, OURS, UNKNOWN, open_world

OWN, OTHER = CommandKey(b"own-key-0123456789-0123456789-01"), CommandKey(b"old-key-0123456789-0123456789-01")


@pytest.mark.parametrize("seals", [CommandSeals([OWN, OTHER]), None])
async def test_every_command_is_sealed_with_the_first_key(seals: CommandSeals | None) -> None:
    async with open_world(command_seals=seals) as world:
        job_id = (await world.created())["id"]
        await world.ask("POST", f"/jobs/{job_id}/trigger")
        await world.ask("DELETE", f"/jobs/{job_id}")
        await world.ask("POST", f"/executions/{UNKNOWN}/cancel")
        await world.ask("POST", "/internal/jobs/batch-create", {"tenantId": OURS, "jobs": [JOB, JOB]})
        await world.ask("POST", f"/internal/tenants/{OURS}/suspend")
        records = world.log.records
    assert len(records) >= 6
    for record in records:
        right = OWN.holds(record.headers, type_of(record.headers) or "", record.value or b"")
        assert (right, is_sealed(record.headers)) == ((True, True) if seals else (False, False))
