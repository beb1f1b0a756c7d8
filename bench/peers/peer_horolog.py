"""This project as a peer: `peer_horolog.py init | register KIND N | run | enqueue N | state`.

`run` starts a Kafka of its own and one process for each service but the API, so that the laboratory counts all their
CPU time as the peer's; further `run`s (WORKER_IDX from 1) add an executor. An execution counts as done when
PostgreSQL shows it as completed. Schedules are registered when `run` begins, as REG_KIND and REG_N say.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NoReturn

import asyncpg

from bench.peers.log import creation, opened, trigger, write
from bench.services import Services
from deploy.local.cluster import LocalKafka
from horolog.ports import Ids
from projections.migrate import migrate
from schemas.base import JsonObject
from schemas.commands import CreateJob, TriggerJob
from schemas.jobs import FunctionConfig
from schemas.topics import PARTITION_COUNT_DEFAULT

ROLES = ("ticker", "dispatcher", "executor", "projections")
CONCURRENCY = os.environ.get("CONC", "1000")
TRIGGERED_COUNT = int(os.environ.get("JOBS", "800"))
"""How many jobs the executions of `enqueue` are spread over; a multiple of the number of tenants."""
POLL_S = 0.1
OWNER_COUNT = 2 * PARTITION_COUNT_DEFAULT
_READY = "select count(*) from partition_owners where last_checkpoint_at > now() - interval '20 seconds'"
_WORKERS = "select count(*) from workers where state = 'ready' and last_beat_at > now() - interval '5 seconds'"
_JOBS = "select count(*) from scheduled_jobs"
_DONE = "select count(*) from job_executions where status = 'completed'"
_STATE = "select status, count(*) from job_executions group by status"
_STUCK = "select count(*) from job_executions where status = 'running' and started_at < now() - interval '20 seconds'"


def main() -> None:
    """Run one sub-command."""
    command, *arguments = sys.argv[1:]
    if command == "run":
        _run()
    elif command == "enqueue":
        asyncio.run(_enqueue(int(arguments[0])))
    elif command == "state":
        print(json.dumps(asyncio.run(_state())), flush=True)
    elif command == "init":
        asyncio.run(migrate(_dsn()))
    else:
        # Schedules are registered by `run`, which owns the broker.
        print("{}", flush=True)


def _run() -> NoReturn:
    if not _is_first():
        _await_address()
        services = _services()
        services.start("executor")
    else:
        bootstrap = LocalKafka(_folder() / "kafka").start()
        (_folder() / "kafka.address").write_text(bootstrap)
        services = _services()
        services.prepare()
        for role in ROLES:
            services.start(role)
    asyncio.run(_serve(services))
    raise SystemExit


async def _serve(services: Services) -> None:
    connection = await asyncpg.connect(_dsn())
    while await connection.fetchval(_READY) < OWNER_COUNT or not await connection.fetchval(_WORKERS):
        services.check()
        await asyncio.sleep(POLL_S)
    begin = time.monotonic()
    if _is_first():
        await _register(connection)
    (_folder() / f"ready.{os.getpid()}").write_text(f"{time.monotonic() - begin:.3f}")
    counts, seen = _is_first() and _counts(), 0
    with (_folder() / f"done.{os.getpid()}").open("a") as done:
        while True:
            services.check()
            await asyncio.sleep(POLL_S)
            count = await connection.fetchval(_DONE) if counts else seen
            if count != seen:
                done.write(f"{count} {time.time() * 1000:.1f}\n")
                done.flush()
                seen = count


async def _register(connection: asyncpg.Connection) -> None:
    """Create the jobs that this measurement needs, and wait until they are in force."""
    count = TRIGGERED_COUNT if _counts() else int(os.environ.get("REG_N", "0"))
    make = _idle_job if _counts() else partial(_schedule, os.environ.get("REG_KIND", ""))
    async with opened(_address()) as log:
        await write(log, count, make)
    in_force = 0
    while in_force < count:
        await asyncio.sleep(POLL_S)
        in_force = await connection.fetchval(_JOBS)


async def _enqueue(count: int) -> None:
    async with opened(_address()) as log:
        print("READY", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        begin = time.monotonic()
        await write(log, count, _trigger)
        print(f"ENQ {time.monotonic() - begin:.3f}", flush=True)
        # The laboratory reads this process's CPU time before it ends it.
        await asyncio.Event().wait()


async def _state() -> Mapping[str, object]:
    connection = await asyncpg.connect(_dsn())
    try:
        rows = await connection.fetch(_STATE)
        return {"stuck": await connection.fetchval(_STUCK), "pg": {row["status"]: row["count"] for row in rows}}
    finally:
        await connection.close()


def _schedule(kind: str, number: int, ids: Ids) -> CreateJob:
    cron = {
        "herd": "*/10 * * * * *",
        "minute": "* * * * *",
        "spread5": f"{number % 5}-59/5 * * * * *",
        "far": f"0 {number % 60} {number % 24} 1 1 *",
    }[kind]
    parameters: JsonObject = {
        "directory": str(_folder()),
        "schedule": str(number),
        "hold_s": float(os.environ.get("SLEEP_MS", "0")) / 1000,
    }
    config = FunctionConfig(module_path="bench.functions", function_name="fired", parameters=parameters)
    return creation(number, cron, config, ids)


def _idle_job(number: int, ids: Ids) -> CreateJob:
    config = FunctionConfig(module_path="bench.functions", function_name="nothing")
    return creation(number, "0 0 0 1 1 *", config, ids)


def _trigger(number: int, ids: Ids) -> TriggerJob:
    return trigger(number % TRIGGERED_COUNT, ids)


def _services() -> Services:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": _address(),
        "HOROLOG_HTTP_ALLOWED": "127.0.0.0/8",
        "HOROLOG_TASK_KEYS": "tests-of-this-machine-alone-0123456789",
        # What is measured writes its commands itself, without a key.
        "HOROLOG_COMMANDS_OPEN": "true",
        "HOROLOG_TENANT_DEFAULTS": json.dumps({"allowedModules": ["bench.functions"]}),
        "HOROLOG_MASTER_KEYS": "tests=q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQIRM3V3mbu94=",
        "DATABASE_URL": _dsn(),
        "REDIS_URL": "",
        "HOROLOG_HOME": str(_folder() / "home"),
        "SCHEDULER_MAX_CONCURRENT_JOBS": CONCURRENCY,
        "LOG_LEVEL": "warning",
    }
    logs = _folder() / f"logs-{os.getpid()}"
    logs.mkdir()
    return Services(environment, logs)


def _await_address() -> None:
    while not (_folder() / "kafka.address").exists():
        time.sleep(POLL_S)


def _address() -> str:
    return (_folder() / "kafka.address").read_text()


def _is_first() -> bool:
    return os.environ.get("WORKER_IDX", "0") == "0"


def _counts() -> bool:
    return os.environ.get("MODE") == "count"


def _folder() -> Path:
    return Path(os.environ["BENCH_DIR"])


def _dsn() -> str:
    return os.environ["PG_DSN"]


if __name__ == "__main__":
    main()
