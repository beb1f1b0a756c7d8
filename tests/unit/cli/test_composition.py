"""What a process of each role loads, and what every process on an embedded log does besides its services."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import MODULES, ON_KAFKA_ONLY, ROLES, Parts, parts_of, run_roles, sweep
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import LogUnavailable
from horolog.runtime.settings import Settings
from tests.tidy.tree import ROOT

DEADLINE_S = 60.0
HEAVY = ("aiokafka", "asyncpg", "fastapi", "httpx", "redis", "uvicorn")
NEEDED: dict[str, set[str]] = {
    "api": {"asyncpg", "fastapi", "uvicorn"},
    "ticker": set(),
    "dispatcher": set(),
    "executor": {"httpx"},
    "projections": {"asyncpg"},
    "notifier": {"asyncpg", "httpx"},
}
_LOADED = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
print(*sys.modules)
"""


class WatchedLog(EmbeddedLog):
    """A log that says when it is swept, and cannot be so many times as `failure_count` says."""

    swept: asyncio.Event
    failure_count = 0

    async def sweep(self, now_ms: int) -> int:
        self.swept.set()
        if self.failure_count:
            self.failure_count -= 1
            raise LogUnavailable("the disk is full")
        return await super().sweep(now_ms)


def watched_parts() -> tuple[WatchedLog, Parts]:
    log = WatchedLog.open(None, SystemClock(), 2)
    log.swept = asyncio.Event()
    return log, Parts(Settings(home=Path.cwd(), member="a"), log, SystemClock(), RandomIds())


def loaded(modules: Sequence[str]) -> set[str]:
    """The modules that a new interpreter has loaded with these."""
    command = [sys.executable, "-c", _LOADED, *modules]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("role", ROLES)
def test_process_of_a_role_loads_no_other_roles_modules(role: str) -> None:
    found = loaded(["horolog.cli.serve", MODULES[role]])
    assert {name for name in HEAVY if name in found} == NEEDED[role]
    # The API's settings are always known to `serve`: a wrong one is told in a sentence.
    known = {"services.api", *(f"services.api.{name}" for name in ("settings", "permissions", "issuer"))}
    others = {name for name in found if name.startswith("services.")} - known
    assert {name.split(".")[1] for name in others} <= {role}


@pytest.mark.parametrize("role", ON_KAFKA_ONLY)
def test_role_for_kafka_only_loads_nothing_heavy_before_it_runs_and_no_other_role_loads_it(role: str) -> None:
    found = loaded(["horolog.cli.serve", ON_KAFKA_ONLY[role]])
    assert found & {*HEAVY, "faust", "mode"} == set()
    assert ON_KAFKA_ONLY[role] not in loaded(["horolog.cli.serve", *MODULES.values()])


@pytest.mark.parametrize("role", ON_KAFKA_ONLY)
def test_role_for_kafka_only_is_refused_on_an_embedded_log_and_does_not_open_it(role: str, tmp_path: Path) -> None:
    environment = {"PATH": "", "HOROLOG_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "horolog.cli", "serve", role]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"horolog: {role} runs on Kafka only: set KAFKA_BOOTSTRAP_SERVERS\n"
    assert not (tmp_path / "home").exists()


async def test_every_process_on_an_embedded_log_removes_what_it_no_longer_keeps(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log, parts = watched_parts()
    log.failure_count = 1
    stop = asyncio.Event()
    running = asyncio.create_task(run_roles(parts, ("ticker",), stop))
    async with asyncio.timeout(DEADLINE_S):
        await log.swept.wait()
        assert not running.done()
        stop.set()
        await running
    assert "could not be removed: the disk is full" in caplog.text
    await log.close()


async def test_sweeping_ends_at_once_when_it_is_told_to() -> None:
    log, parts = watched_parts()
    stop = asyncio.Event()
    sweeping = asyncio.create_task(sweep(parts, stop))
    async with asyncio.timeout(DEADLINE_S):
        await log.swept.wait()
        stop.set()
        await sweeping
    await log.close()


def test_a_process_names_no_more_tenants_in_its_figures_than_its_settings_allow() -> None:
    settings = Settings(home=Path.cwd(), member="a", metrics_tenant_count_max=1)
    parts = parts_of(settings, EmbeddedLog.open(None, SystemClock(), 1), SystemClock())
    for tenant_id in ("first", "second", "third"):
        parts.metrics.attempt_started(tenant_id, 0)
    shown = parts.metrics.render().decode()
    name = "scheduler_execution_start_lateness_seconds_count"
    assert [line for line in shown.splitlines() if line.startswith(name)] == [
        f'{name}{{tenant_id="first"}} 1.0',
        f'{name}{{tenant_id="other"}} 2.0',
    ]
