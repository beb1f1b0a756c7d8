"""Every metric of the table moves when its cause is provoked. One that nothing here moves, or moves in vain, fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from horolog.adapters.otlp import OtlpExporter
from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.sampling import sample_once
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.owner import OwnerSettings
from horolog.log.port import Outgoing
from horolog.runtime import metric_table as table
from horolog.runtime.metrics import Metrics
from horolog.runtime.readiness import Readiness
from projections.connections import open_pool
from projections.notifications.sender import OF_TENANT_COUNT_MAX
from projections.queries import PostgresReadModel
from schemas.topics import COMMANDS, partition_of
from services.api.call_journal import CallJournal
from services.api.calls import Call
from services.ticker.partition import TickerPartition
from services.ticker.ticker import Ticker
from tests.e2e.system import DEADLINE_S, EVERYTHING, PAUSE_S, PREFIX, TENANT, System, command_job, job, running
from tests.e2e.test_metrics import plant
from tests.integration.notifications.receiving import Hook, answer
from tests.integration.notifications.world import SECRET
from tests.integration.projections.audit_sending import sending
from tests.integration.projections.audit_service import serving
from tests.integration.projections.test_audit import STORY
from tests.integration.projections.test_audit_sink_troubles import refusing
from tests.integration.projections.world import opened, project
from tests.integration.tracing.test_sending import span
from tests.tidy.expressions import metric_of
from tests.unit.deciding.kit import HOME, at, definition, record, tabled
from tests.unit.deciding.test_emitted_lateness import LateClock
from tests.unit.deciding.test_owners_figures import holding
from tests.unit.projections.facts import OTHER_TENANT
from tests.unit.watching.test_schedule_watch import Watched

API_WAIT_S = "3"
WAITING = frozenset({table.CONSUMER_LAG_RECORDS.name})
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(metrics: Metrics) -> Samples:
    """Every value shown."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def moved(before: Samples, after: Samples) -> set[str]:
    """The metrics of which a value is not what it was; what was not shown counts as 0."""
    keys = [key for key in before.keys() | after.keys() if before.get(key, 0) != after.get(key, 0)]
    return {metric.name for name, _ in keys if (metric := metric_of(name)) is not None}


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(PAUSE_S)


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that goes on in a system while the block runs, and the names of the metrics that it moves."""

    provoke: Callable[[System, str], AbstractAsyncContextManager[None]]
    names: frozenset[str]

    async def check(self, system: System, dsn: str) -> None:
        """See that each of the metrics moves."""
        before = await self._at_rest(system)
        async with self.provoke(system, dsn):
            try:
                await until(lambda: self.names <= moved(before, samples(system.metrics)))
            except TimeoutError:
                missing = self.names - moved(before, samples(system.metrics))
                pytest.fail(f"{self.provoke.__name__} does not move {sorted(missing)}")

    async def _at_rest(self, system: System) -> Samples:
        """What is shown while nothing waits that is to wait: what happens to be one would still be one."""
        shown = samples(system.metrics)

        def is_at_rest() -> bool:
            nonlocal shown
            shown = samples(system.metrics)
            return not any(value for (name, _), value in shown.items() if name in self.names & WAITING)

        await until(is_at_rest)
        return shown


def cause(provoke: Callable[[System, str], AbstractAsyncContextManager[None]], *moves: table.Metric) -> Cause:
    """That this moves these."""
    return Cause(provoke, frozenset(metric.name for metric in moves))


async def created(system: System, body: dict[str, Any], trigger_count: int = 0) -> str:
    """A job, triggered so many times."""
    made = await system.client.post(f"{PREFIX}/jobs", json=body)
    job_id: str = made.json()["id"]
    for _ in range(trigger_count):
        await system.client.post(f"{PREFIX}/jobs/{job_id}/trigger")
    return job_id


@asynccontextmanager
async def nobody_decides(system: System, dsn: str) -> AsyncIterator[None]:
    """A command finds no owner."""
    answer = await system.client.post(f"{PREFIX}/jobs", json=job())
    assert answer.status_code == 503
    yield


@asynccontextmanager
async def another_owner_was_there(system: System, dsn: str) -> AsyncIterator[None]:
    """The partitions of the ticker were another member's, and then all services start."""
    stop = asyncio.Event()
    ticker = Ticker(system.log, SystemClock(), OwnerSettings("another"))
    ticking = asyncio.create_task(ticker.run(stop))
    count = system.log.partition_count
    await until(lambda: ticker.owner.counters.transactions["committed"] >= count)
    stop.set()
    await ticking
    for role in EVERYTHING:
        system.start(role)
    yield
    await system.eventually("/workers", lambda body: bool(body["workers"]))


@asynccontextmanager
async def a_job_fires(system: System, dsn: str) -> AsyncIterator[None]:
    """A job that does something each second."""
    job_id = await created(system, job(cronExpression="* * * * * *"))
    yield
    await system.client.post(f"{PREFIX}/jobs/{job_id}/pause")


@asynccontextmanager
async def a_run_fails(system: System, dsn: str) -> AsyncIterator[None]:
    """A command ends with 1, and is not tried again."""
    await created(system, command_job("exit 1"), trigger_count=1)
    yield


@asynccontextmanager
async def runs_wait_for_each_other(system: System, dsn: str) -> AsyncIterator[None]:
    """One execution runs, and two wait for its slot; the figures of the read models are sampled."""
    body = command_job("sleep 60", maxConcurrent=1, overlap={"policy": "queueAll"})
    job_id = await created(system, body, trigger_count=3)
    pool = await open_pool(dsn)
    read_model = PostgresReadModel(pool)
    async with asyncio.timeout(DEADLINE_S):
        while (await read_model.queue(None)).pending_count < 2:
            await asyncio.sleep(PAUSE_S)
    await sample_once(read_model, system.metrics)
    yield
    await system.client.post(f"{PREFIX}/jobs/{job_id}/stop")
    await pool.close()


@asynccontextmanager
async def a_record_makes_no_sense(system: System, dsn: str) -> AsyncIterator[None]:
    """Somebody writes garbage."""
    await system.log.append([Outgoing(COMMANDS.name, home(system), b"key", b"{")])
    yield


@asynccontextmanager
async def an_instant_has_two_rows(system: System, dsn: str) -> AsyncIterator[None]:
    """What no dispatcher writes: two executions of one instant."""
    for number in (1, 2):
        await plant(system, f"{number:08x}-0000-5000-8000-000000000000")
    yield


@asynccontextmanager
async def a_newer_owner_comes(system: System, dsn: str) -> AsyncIterator[None]:
    """Somebody else opens a writer for the tenant's partition."""
    await system.log.open_writer("dispatcher", home(system))
    yield


@asynccontextmanager
async def the_read_models_are_locked(system: System, dsn: str) -> AsyncIterator[None]:
    """The projector cannot write what it has read."""
    eye = await asyncpg.connect(dsn)
    async with eye.transaction():
        await eye.execute("LOCK TABLE projection_offsets IN EXCLUSIVE MODE")
        yield
    await eye.close()


@asynccontextmanager
async def a_receiver_stops_answering(system: System, dsn: str) -> AsyncIterator[None]:
    """It refuses the first notification, and then holds so many that others have to wait."""
    place = "/api/v1/notifications/rules"
    async with Hook() as hook:
        system.start("notifier")
        target = {"type": "webhook", "url": hook.url, "secret": SECRET}
        body = {"name": "all", "kinds": ["failed"], "channel": target}
        rule = (await system.client.post(place, json=body)).raise_for_status().json()
        hook.answers.append(answer(500))
        await created(system, command_job("exit 1"), trigger_count=1)
        await until(lambda: bool(hook.got))
        hook.held.clear()
        for _ in range(OF_TENANT_COUNT_MAX + 1):
            (await system.client.post(f"{place}/{rule['id']}/test")).raise_for_status()
        yield
        hook.held.set()


def home(system: System) -> int:
    """The partition of the first tenant."""
    return partition_of(TENANT, system.log.partition_count)


IN_A_SYSTEM: Sequence[Cause] = (
    cause(nobody_decides, table.ERRORS, table.ERROR_RATE, table.OPERATIONS, table.OPERATION_DURATION),
    cause(
        another_owner_was_there,
        table.LOCK_ACQUISITIONS,
        table.PARTITION_OWNED,
        table.PARTITION_EPOCH,
        table.PARTITION_TAKEOVERS,
        table.TRANSACTIONS,
        table.PROJECTION_LAG,
        table.MEMORY_USAGE,
        table.CPU_USAGE,
    ),
    cause(
        a_job_fires,
        table.FIRE_EMITTED_LATENESS,
        table.DISPATCH_LATENESS,
        table.START_LATENESS,
        table.FINISH_LATENESS,
        table.EXECUTION_DURATION,
        table.JOB_EXECUTIONS,
        table.EXECUTIONS,
    ),
    cause(a_run_fails, table.FAILED_JOBS),
    cause(
        runs_wait_for_each_other,
        table.TENANT_QUEUE_SIZE,
        table.WORKER_SLOTS,
        table.QUEUE_SIZE,
        table.QUEUE_LENGTH,
        table.TOTAL_JOBS,
        table.JOBS,
        table.ACTIVE_JOBS,
    ),
    cause(
        a_receiver_stops_answering,
        table.NOTIFICATIONS,
        table.NOTIFICATION_FAILURES,
        table.NOTIFICATIONS_WAITING,
        table.NOTIFICATIONS_BEHIND,
    ),
    cause(a_record_makes_no_sense, table.DEAD_LETTERS),
    cause(an_instant_has_two_rows, table.LEDGER_VIOLATIONS),
    cause(a_newer_owner_comes, table.LOCK_TIMEOUTS, table.PARTITION_FENCINGS),
    cause(the_read_models_are_locked, table.CONSUMER_LAG_RECORDS, table.CONSUMER_LAG_SECONDS),
)
OF_THE_SINK = (
    table.AUDIT_SINK_ENTRIES,
    table.AUDIT_SINK_FAILURES,
    table.AUDIT_SINK_WAITING,
    table.AUDIT_SINK_HELD,
    table.AUDIT_SINK_BEHIND,
)
BY_THEMSELVES = (
    *OF_THE_SINK,
    table.SCHEDULES_OVERDUE,
    table.AUDIT_DROPPED,
    table.CATCH_UP_BEHIND,
    table.CATCH_UP_INSTANTS,
    table.ACTIVE_CONNECTIONS,
    table.SPANS,
    table.ROLE_READY,
    table.EVENT_STREAMS,
)
"""Moved below by the part that tells them alone: in a system they would take minutes."""


def test_every_metric_has_its_cause_here() -> None:
    provoked = [name for one in IN_A_SYSTEM for name in one.names] + [metric.name for metric in BY_THEMSELVES]
    assert sorted(provoked) == sorted(metric.name for metric in table.TABLE)


@pytest.mark.slow
async def test_each_cause_in_a_running_system_moves_its_metrics(migrated_database: str) -> None:
    async with running(migrated_database, roles=(), wait_s=API_WAIT_S) as system:
        for one in IN_A_SYSTEM:
            await one.check(system, migrated_database)


async def test_connections_and_streams_are_counted_while_they_are_open(migrated_database: str) -> None:
    async with running(migrated_database, roles=()) as system:
        await system.client.get("/health")
        assert table.ACTIVE_CONNECTIONS.name in moved({}, samples(system.metrics))
        assert table.EVENT_STREAMS.name not in moved({}, samples(system.metrics))
        async with system.client.stream("GET", "/api/v1/events"):
            assert table.EVENT_STREAMS.name in moved({}, samples(system.metrics))


def test_role_that_begins_to_do_its_work_moves_what_is_ready() -> None:
    metrics, readiness = Metrics(), Readiness()
    metrics.watch_roles(readiness.standing)
    readiness.expect(("ticker",), lambda: False)
    before = samples(metrics)
    readiness.watch("ticker", lambda: True)
    assert table.ROLE_READY.name in moved(before, samples(metrics))


async def test_schedule_of_which_nothing_tells_moves_what_is_overdue() -> None:
    metrics, watched = Metrics(), Watched()
    watched.add(1)
    await watched.watch.look()
    metrics.set_overdue(watched.counts[-1])
    assert table.SCHEDULES_OVERDUE.name in moved({}, samples(metrics))


def test_call_that_the_audit_trail_has_no_room_for_moves_what_was_dropped() -> None:
    metrics, clock = Metrics(), SystemClock()
    log = EmbeddedLog.open(None, clock)
    before = samples(metrics)
    CallJournal(log, clock, RandomIds(), metrics.audit_dropped, waiting_count_max=0).note({}, Call(), 200, None)
    assert table.AUDIT_DROPPED.name in moved(before, samples(metrics))


async def test_span_that_there_is_no_room_for_moves_what_was_dropped() -> None:
    metrics = Metrics()
    async with httpx.AsyncClient() as http:
        exporter = OtlpExporter(http, "http://127.0.0.1:1", SystemClock(), {}, waiting_count_max=0)
        metrics.watch_spans(lambda: {"dropped": exporter.dropped_count})
        before = samples(metrics)
        exporter.tell(span())
    assert table.SPANS.name in moved(before, samples(metrics))


async def test_service_that_refuses_a_tenants_entries_moves_the_figures_of_the_audit_sink(
    migrated_database: str,
) -> None:
    async with opened(migrated_database) as world, serving() as service:
        await project(world, *STORY)
        service.judge = refusing(OTHER_TENANT, "400 No")
        async with sending(world.dsn, service.url) as sink:
            names = {metric.name for metric in OF_THE_SINK}
            await until(lambda: names <= moved({}, samples(sink.metrics)))


async def test_ticker_that_comes_late_moves_what_there_is_to_catch_up() -> None:
    metrics, clock = Metrics(), LateClock(at(0))
    log = EmbeddedLog.open(None, clock)
    ticker, state = Ticker(log, clock, OwnerSettings("a"), metrics.fire_emitted, metrics.caught_up), at_home()
    metrics.watch_catching_up(ticker.behind_s)
    ticker.owner.holdings[HOME] = holding(state)
    before = samples(metrics)
    clock.instant = at(1800)
    assert table.CATCH_UP_BEHIND.name in moved(before, samples(metrics))
    ticker.owner.on_commit(state.turn([], clock.instant).outputs)
    assert table.CATCH_UP_INSTANTS.name in moved(before, samples(metrics))
    await log.close()


def at_home() -> TickerPartition:
    """A partition with a job that fires every five minutes."""
    state = TickerPartition(HOME, None)
    state.take_in(record(tabled(definition(cron_expression="0 */5 * * * *"))), 0)
    return state
