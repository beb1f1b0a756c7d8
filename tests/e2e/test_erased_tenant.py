"""After a tenant's key was erased everything goes on but what was secret: folds, reading, running."""

from pathlib import Path
from typing import Any

import pytest

from horolog.adapters.system import SystemClock
from horolog.adapters.vault.postgres import open_vault
from horolog.domain.sensitive import ERASED, MASK
from horolog.log.embedded.log import EmbeddedLog
from projections.verification_tables import verify_projections
from tests.e2e.system import PREFIX, TENANT, System, job, running
from tests.unit.vault.test_master_keys import OLD, keys

PRINTING = {"command": "/bin/sh", "args": ["-c", "echo it was: $A"], "environment": {"A": "hush-9f2c7a"}}


async def run_of(system: System, job_id: str) -> Any:
    """How a run of the job ends."""
    made = await system.client.post(f"{PREFIX}/jobs/{job_id}/trigger")
    return await system.eventually(f"/executions/{made.json()['id']}", lambda body: body["completedAt"] is not None)


@pytest.mark.slow
async def test_erased_secret_is_gone_and_the_log_still_folds(migrated_database: str, tmp_path: Path) -> None:
    log_file = str(tmp_path / "log.db")
    async with running(migrated_database, log_path=log_file) as system:
        made = (await system.client.post(f"{PREFIX}/jobs", json=job(jobType="command", config=PRINTING))).json()
        before = await run_of(system, made["id"])
    assert (before["result"]["stdout"], made["config"]["environment"]) == (f"it was: {MASK}\n", {"A": MASK})
    async with open_vault(migrated_database, keys(f"a={OLD}")) as vault:
        await vault.erase(TENANT, SystemClock().now())
    async with running(migrated_database, log_path=log_file) as system:
        shown = (await system.client.get(f"{PREFIX}/jobs/{made['id']}")).json()
        after = await run_of(system, made["id"])
        assert shown["config"]["environment"] == {"A": ERASED}
        assert (after["status"], after["errorCode"], after["attempt"]) == ("failed", "KEY_ERASED", 1)
        assert isinstance(system.log, EmbeddedLog)
        reports = await verify_projections(system.log, migrated_database, SystemClock())
    assert [report.table for report in reports if report.differences] == []
