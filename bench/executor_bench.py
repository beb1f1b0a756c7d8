"""What one attempt costs the executor in CPU: a no-op function, an HTTP request, a command.

    python -m bench.executor_bench [function|http|command] [count] [rate per second, 0 for as fast as possible]

The log is one in memory that costs next to nothing; CPU is counted for the worker, the spawner and all that they
started, the HTTP server apart.
"""

import asyncio
import os
import resource
import sys
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import uvloop

from horolog.adapters.system import SystemClock
from horolog.log.port import Membership, Outgoing, Place, Record, Writer
from schemas.codec import headers_of
from schemas.events.executions import TriggerType
from schemas.events.workers import TaskAssigned
from schemas.jobs import CommandConfig, FunctionConfig, HttpConfig, JobType
from schemas.topics import RESULTS, TASKS, partition_of
from services.executor.composition import open_worker
from services.executor.settings import WorkerSettings

WORKER_ID = "bench"
PARTITION_COUNT = 16
TENANT_ID = str(uuid.uuid4())
_ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'
_TICK_S = os.sysconf("SC_CLK_TCK")


class MemoryLog:
    """As much of a log as a worker needs."""

    partition_count = PARTITION_COUNT

    def __init__(self) -> None:
        self.waiting: list[Record] = []
        self.arrived = asyncio.Event()
        self.final_count = 0
        self.append_count = 0
        self.failures: dict[str, int] = {}
        self._appended = asyncio.Condition()

    async def append(self, records: Sequence[Outgoing]) -> None:
        self.append_count += 1
        for record in records:
            if record.topic != RESULTS.name:
                continue
            kind = record.headers[2][1]
            self.final_count += b"success" in kind or b"failure" in kind
            if b"failure" in kind:
                text = (record.value or b"").decode()
                code = text[text.index('"code"') :][:60]
                self.failures[code] = self.failures.get(code, 0) + 1
        async with self._appended:
            self._appended.notify_all()

    async def finished(self, wanted: int) -> None:
        """Wait until so many attempts were reported as over."""
        async with self._appended:
            await self._appended.wait_for(lambda: self.final_count >= wanted)

    def reader(self) -> "MemoryReader":
        return MemoryReader(self)

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return dict.fromkeys(places, 0)

    starts = ends

    async def create_topics(self) -> Sequence[str]:
        return ()

    async def open_writer(self, role: str, partition: int) -> Writer:
        raise NotImplementedError

    async def join(self, role: str, member: str) -> Membership:
        raise NotImplementedError

    async def latest(self, place: Place, key: bytes) -> Record | None:
        return None

    async def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        yield ()

    async def close(self) -> None:
        """Nothing to release."""


class MemoryReader:
    """Hands out what is waiting."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def assign(self, positions: Mapping[Place, int]) -> None:
        """Everything is for the one reader."""

    def pause(self, places: frozenset[Place]) -> None:
        """Nothing is held back."""

    async def poll(self, record_count_max: int, timeout_s: float) -> Sequence[Record]:
        await self._log.arrived.wait()
        taken = self._log.waiting[:record_count_max]
        del self._log.waiting[:record_count_max]
        if not self._log.waiting:
            self._log.arrived.clear()
        return taken

    async def close(self) -> None:
        """Nothing to release."""


def task_of(config: HttpConfig | FunctionConfig | CommandConfig, job_type: JobType) -> Record:
    now = datetime.now(UTC)
    task = TaskAssigned(
        tenant_id=TENANT_ID,
        execution_id=str(uuid.uuid4()),
        job_id=TENANT_ID,
        attempt=1,
        worker_id=WORKER_ID,
        scheduled_for=now,
        not_before=now,
        trigger_type=TriggerType.SCHEDULED,
        timeout_ms=30_000,
        job_name="bench",
        job_type=job_type,
        config=config,
    )
    partition = partition_of(WORKER_ID, PARTITION_COUNT)
    return Record(TASKS.name, partition, 0, b"", task.to_json(), headers_of(task, "bench", now), 0)


def descendants_cpu_s() -> float:
    parents: dict[int, tuple[int, float]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(name)] = (int(fields[1]), sum(map(int, fields[11:15])) / _TICK_S)
    family, total = {os.getpid()}, 0.0
    while grown := {pid for pid, (parent, _) in parents.items() if parent in family and pid not in family}:
        total += sum(parents[pid][1] for pid in grown)
        family |= grown
    return total


def serve_http() -> tuple[int, int]:
    """A tiny server in a process of its own; returns its port and process id."""
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        asyncio.run(_serve(send))
    return int(os.read(receive, 10)), pid


async def _serve(send: int) -> NoReturn:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            if b"\r\n\r\n" in data:
                writer.write(_ANSWER)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    os.write(send, str(server.sockets[0].getsockname()[1]).encode())
    await server.serve_forever()
    raise SystemExit


async def measure(job_type: JobType, count: int, rate: float, port: int) -> None:
    configs: dict[JobType, HttpConfig | FunctionConfig | CommandConfig] = {
        JobType.FUNCTION: FunctionConfig(module_path="bench.no_op", function_name="no_op"),
        JobType.HTTP: HttpConfig(url=f"http://127.0.0.1:{port}/", method="POST", body={"a": 1}),
        JobType.COMMAND: CommandConfig(command="/bin/true"),
    }
    log, stop = MemoryLog(), asyncio.Event()
    settings = WorkerSettings(
        worker_id=WORKER_ID, prefetch=count, function_process_count=2, function_paths=(os.getcwd(),)
    )
    worker = asyncio.create_task(open_worker(log, SystemClock(), settings).run(stop))
    await until(log, 0, [task_of(configs[job_type], job_type) for _ in range(20)])
    records = [task_of(configs[job_type], job_type) for _ in range(count)]
    own, others, begun = time.process_time(), descendants_cpu_s(), time.perf_counter()
    await until(log, rate, records)
    own, others, wall = time.process_time() - own, descendants_cpu_s() - others, time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{job_type}: {count} attempts in {wall:.2f} s = {count / wall:.0f}/s, {log.append_count} appends; CPU per "
        f"attempt: worker {own / count * 1000:.3f} ms, other processes {others / count * 1000:.3f} ms; "
        f"worker's peak {peak_mb:.0f} MiB; failures {log.failures}"
    )
    stop.set()
    await worker


async def until(log: MemoryLog, rate: float, records: Sequence[Record]) -> None:
    wanted = log.final_count + len(records)
    size = max(1, int(rate / 100)) if rate else len(records)
    for first in range(0, len(records), size):
        log.waiting += records[first : first + size]
        log.arrived.set()
        if rate:
            await asyncio.sleep(size / rate)
    await log.finished(wanted)


def main() -> None:
    job_type = JobType(sys.argv[1] if len(sys.argv) > 1 else "function")
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    rate = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    port, server_pid = serve_http() if job_type is JobType.HTTP else (0, 0)
    try:
        uvloop.run(measure(job_type, count, rate, port))
    finally:
        if server_pid:
            os.kill(server_pid, 9)


if __name__ == "__main__":
    main()
