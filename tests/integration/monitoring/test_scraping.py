"""A running system under Prometheus: the dashboard's queries find data, and alerts fire for their causes alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.grafana.panels import ROWS
from horolog.log.port import Outgoing
from horolog.runtime.metric_table import PARTITION_OWNED
from horolog.runtime.metrics_server import serving
from horolog.runtime.settings import MetricsAddress
from schemas.topics import COMMANDS, partition_of
from tests.e2e.system import EVERYTHING, PREFIX, TENANT, System, command_job, free_port, job, running
from tests.e2e.test_every_metric_moves import samples
from tests.e2e.test_metrics import plant
from tests.integration.monitoring.quick import Prometheus, scraping
from tests.integration.projections.audit_service import SECRET
from tests.integration.projections.audit_service import serving as serving_audits
from tests.tidy.test_alert_rules import ALERTS

DEADLINE_S = 120.0
PAUSE_S = 0.3
IN_SMALL = {
    "SchedulerQueueBacklog": ("> 5000", "> 3"),
    "SchedulerHighMemoryUsage": ("> 0.9 *", "> 0.01 *"),
    "SchedulerLockTimeouts": ("> 10", "> 0"),
    "TakeoverLoop": ("> 5", "> 1"),
    "ConsumerLag": ("> 30", "> 3"),
}
"""Thresholds that a test reaches: five executions are a queue, and 10 MiB is much memory."""
EVERY_SECOND = "* * * * * *"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@asynccontextmanager
async def watched(system: System, port: int) -> AsyncIterator[None]:
    """The system serves its figures."""
    async with serving(system.metrics, MetricsAddress("127.0.0.1", port), system.readiness) as url:
        assert url is not None
        yield


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await holds():
            await asyncio.sleep(PAUSE_S)


async def created(system: System, body: dict[str, Any], trigger_count: int = 0) -> str:
    """A job, triggered so many times; whoever is to decide may have to begin first."""
    async with asyncio.timeout(DEADLINE_S):
        while (made := await system.client.post(f"{PREFIX}/jobs", json=body)).status_code != 201:
            await asyncio.sleep(PAUSE_S)
    job_id: str = made.json()["id"]
    for _ in range(trigger_count):
        await system.client.post(f"{PREFIX}/jobs/{job_id}/trigger")
    return job_id


def asked_now(expression: str) -> str:
    """The expression with what Grafana fills in."""
    return expression.replace("$tenant", ".*").replace("$__rate_interval", "10s")


async def without_data(prometheus: Prometheus) -> list[str]:
    """The dashboard's queries that find nothing."""
    queries = [query.expression for row in ROWS for panel in row.panels for query in panel.queries]
    return [expression for expression in queries if not await prometheus.ask(asked_now(expression))]


async def test_dashboard_shows_a_sound_system_and_no_alert_fires(migrated_database: str, tmp_path: Path) -> None:
    port = free_port()
    async with (
        serving_audits() as audits,
        running(
            migrated_database,
            (*EVERYTHING, "notifier"),
            HOROLOG_AUDIT_SINK_URL=audits.url,
            HOROLOG_AUDIT_SINK_SECRET=SECRET,
        ) as system,
        watched(system, port),
        scraping(tmp_path, port, {}) as prometheus,
    ):
        await created(system, job(cronExpression=EVERY_SECOND))
        await created(system, command_job("exit 1", cronExpression=EVERY_SECOND))
        await created(system, command_job("sleep 300", maxConcurrent=1, overlap={"policy": "queueAll"}), 3)
        left: list[str] = []

        async def all_have_data() -> bool:
            await system.client.get(f"{PREFIX}/jobs")
            left[:] = await without_data(prometheus)
            return not left

        try:
            await until(all_have_data)
        except TimeoutError:
            pytest.fail(f"no data: {left}")
        assert await prometheus.fired() == set()


async def fires(prometheus: Prometheus, names: set[str], cause: Callable[[], Awaitable[object]] | None = None) -> None:
    """Wait until these alerts have fired; the cause is brought about again and again."""

    async def have_fired() -> bool:
        if cause is not None:
            await cause()
        return names <= await prometheus.fired()

    try:
        await until(have_fired)
    except TimeoutError:
        pytest.fail(f"{sorted(names - await prometheus.fired())} did not fire")


async def test_each_alert_fires_when_its_cause_comes_about(migrated_database: str, tmp_path: Path) -> None:
    port = free_port()
    async with (
        scraping(tmp_path, port, IN_SMALL) as prometheus,
        running(migrated_database, roles=(), wait_s="0.5") as system,
        watched(system, port),
    ):
        home = partition_of(TENANT, system.log.partition_count)
        # Nobody decides, so each command is a fault.
        await fires(
            prometheus,
            {"SchedulerHighErrorRate", "SchedulerHighMemoryUsage", "PartMissing"},
            lambda: system.client.post(f"{PREFIX}/jobs", json=job()),
        )
        # Decisions and read models, but neither a ticker nor a worker.
        system.start("dispatcher")
        system.start("projections")
        await created(system, job(cronExpression=EVERY_SECOND))
        await created(system, command_job("true", maxConcurrent=10), trigger_count=5)
        await misdeeds(system, home)
        await fires(prometheus, {"DeadLetters", "LedgerViolation"})
        await fires(prometheus, {"TakeoverLoop", "SchedulerLockTimeouts"}, lambda: usurp(system, home))
        await fires(prometheus, {"ScheduleOverdue", "SchedulerQueueBacklog"})
        async with locked(migrated_database):
            await fires(prometheus, {"ConsumerLag"})
        await fires(prometheus, {"LatenessBudgetBurn"}, lambda: start_late(system))
        assert await prometheus.fired() == {rule["alert"] for rule in ALERTS}


async def misdeeds(system: System, home: int) -> None:
    """Somebody writes garbage, and two executions of one instant."""
    await system.log.append([Outgoing(COMMANDS.name, home, b"key", b"{")])
    for number in (1, 2):
        await plant(system, f"{number:08x}-0000-5000-8000-000000000000")


async def usurp(system: System, home: int) -> None:
    """Take the partition from its owner, once that has it again."""
    owned = (PARTITION_OWNED.name, (("partition", str(home)), ("role", "dispatcher")))
    if owned in samples(system.metrics):
        await system.log.open_writer("dispatcher", home)


async def start_late(system: System) -> None:
    """Tell of a first attempt that started half a minute after its instant."""
    system.metrics.attempt_started(TENANT, 30.0)


@asynccontextmanager
async def locked(dsn: str) -> AsyncIterator[None]:
    """The projector cannot write what it has read."""
    eye = await asyncpg.connect(dsn)
    async with eye.transaction():
        await eye.execute("LOCK TABLE projection_offsets IN EXCLUSIVE MODE")
        yield
    await eye.close()
