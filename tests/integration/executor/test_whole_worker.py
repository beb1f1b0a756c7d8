"""A worker as it is put together for production, with its log in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

from horolog.adapters.system import SystemClock
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Outgoing, Place
from schemas.base import Message
from schemas.codec import decode, headers_of
from schemas.events.results import CancellationReported, FailureReported, StartReported, SuccessReported
from schemas.events.workers import AttemptRevoked, TaskAssigned, WorkerBeat, WorkerState
from schemas.jobs import CommandConfig, ErrorType, FunctionConfig
from schemas.topics import CONTROL, RESULTS, TASKS, WORKERS
from services.executor.composition import keep_apart, open_worker
from services.executor.isolation_settings import IsolationSettings
from services.executor.settings import WorkerSettings
from tests.integration.executor.watching import BEST, DEADLINE_S, EXECUTION_ID, INSTANT, TENANT_ID, task_of

_STUBBORN = CommandConfig(command="sh", args=("-c", "trap '' TERM; while :; do sleep 0.05; done"), timeout=200)
_ENDLESS = CommandConfig(command="sleep", args=("1000",))

M = TypeVar("M", bound=Message)


class Colleague:
    """The rest of the system, as far as a worker sees it."""

    def __init__(self, log: EmbeddedLog) -> None:
        self._log = log
        self._reader = log.reader()
        self._reader.assign({Place(RESULTS.name, 0): 0, Place(WORKERS.name, 0): 0})
        self._unheard: list[Message] = []

    async def send(self, message: TaskAssigned | AttemptRevoked) -> None:
        topic = TASKS if isinstance(message, TaskAssigned) else CONTROL
        headers = headers_of(message, "horolog/dispatcher", INSTANT)
        await self._log.append([Outgoing(topic.name, 0, b"worker-a", message.to_json(), headers)])

    async def hear(self, kind: type[M]) -> M:
        """The next message of this kind; others stay unheard, since their order between topics means nothing."""
        async with asyncio.timeout(DEADLINE_S):
            while (heard := next((m for m in self._unheard if isinstance(m, kind)), None)) is None:
                records = await self._reader.poll(100, 1.0)
                self._unheard += [decode(r.topic, r.headers, r.value) for r in records]
        self._unheard.remove(heard)
        return heard


@contextlib.asynccontextmanager
async def working(isolation: IsolationSettings = BEST) -> AsyncIterator[tuple[Colleague, asyncio.Event]]:
    """A worker, with whoever gives it tasks and what makes it stop."""
    log = EmbeddedLog.open(None, SystemClock(), partition_count=1)
    paths = (str(Path(__file__).parent),)
    settings = WorkerSettings("worker-a", drain_grace_s=0.1, function_paths=paths)
    stop = asyncio.Event()
    worker = open_worker(log, SystemClock(), settings, await keep_apart(isolation, paths, ()))
    running = asyncio.create_task(worker.run(stop))
    colleague = Colleague(log)
    await colleague.hear(WorkerBeat)
    yield colleague, stop
    stop.set()
    await asyncio.wait_for(running, DEADLINE_S)
    await log.close()


async def test_a_function_job_goes_through_the_whole_worker() -> None:
    async with working() as (colleague, _):
        config = FunctionConfig(module_path="sample_functions", function_name="add", parameters={"a": 1})
        await colleague.send(task_of(config))
        assert (await colleague.hear(SuccessReported)).result == 2


async def test_a_command_that_ignores_everything_is_gone_when_its_timeout_is_reported() -> None:
    async with working() as (colleague, _):
        await colleague.send(task_of(_STUBBORN))
        report = await colleague.hear(FailureReported)
        assert (report.failure.type, report.failure.code) == (ErrorType.TIMEOUT, "TIMED_OUT")
        assert isinstance(report.result, dict)
        assert report.result["exitCode"] == 128 + 9


async def test_a_revoked_command_is_ended_and_a_stopped_worker_says_so_last() -> None:
    async with working() as (colleague, stop):
        await colleague.send(task_of(_ENDLESS))
        await colleague.hear(StartReported)
        await colleague.send(
            AttemptRevoked(tenant_id=TENANT_ID, execution_id=EXECUTION_ID, attempt=3, worker_id="worker-a", at=INSTANT)
        )
        assert (await colleague.hear(CancellationReported)).usage.memory_peak_mb is not None
        await colleague.send(task_of(_ENDLESS, attempt=4))
        await colleague.hear(StartReported)
        stop.set()
        assert (await colleague.hear(FailureReported)).failure.code == "WORKER_STOPPED"
        while (await colleague.hear(WorkerBeat)).state is not WorkerState.STOPPED:
            pass
