"""`horolog worker run` joins a system of separate processes on Kafka, which is spoken to by its topics alone."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.client import Event, EventConsumer, EventProducer, Sender, function_job
from horolog.domain.command_seals import CommandKey, CommandSeals
from horolog.log.kafka import KafkaLog, KafkaSettings
from schemas.commands import TriggerJob
from schemas.events.executions import ExecutionCompleted
from schemas.topics import EXECUTIONS
from tests.faults.deployment import COMMAND_KEY, TENANT, Deployment, deployed
from tests.tidy.tree import ROOT

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PARTITION_COUNT = 4
DEADLINE_S = 90.0
SETTINGS = {"HOROLOG_MEMBER": "", "HOROLOG_TENANT_DEFAULTS": json.dumps({"allowedModules": ["billing"]})}


async def test_a_registered_function_runs_on_a_worker_that_has_joined(
    kafka_bootstrap: str, migrated_database: str, tmp_path: Path
) -> None:
    prefix = f"worker-run-{os.getpid()}."
    log = await KafkaLog.open(KafkaSettings(kafka_bootstrap, prefix, PARTITION_COUNT))
    # An ordinary executor is there as well, and gets none of it.
    roles = ("ticker", "dispatcher", "executor")
    try:
        with deployed(
            kafka_bootstrap, migrated_database, prefix, tmp_path, roles=roles, settings=SETTINGS
        ) as deployment:
            worker = _start_worker(deployment, tmp_path)
            completed = await asyncio.wait_for(_run_once(log), DEADLINE_S)
            assert completed.result == "closed eu"
            assert await _readiness((tmp_path / "worker.log").read_text()) == "ready\n"
            assert deployment.living() == len(roles) + 1
            worker.terminate()
            assert await asyncio.to_thread(worker.wait, DEADLINE_S) == 0
    finally:
        await log.close()


def _start_worker(deployment: Deployment, logs: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "horolog.cli", "worker", "run", "examples.month_end"]
    with (logs / "worker.log").open("ab") as said:
        worker = subprocess.Popen(command, cwd=ROOT, env=deployment.environment, stdout=said, stderr=said)
    deployment.processes["worker"] = [worker]
    return worker


async def _readiness(said: str) -> str:
    """What the worker answers when it is asked whether it is ready; where, is in what it said."""
    told = re.search(r"metrics are served at (http://[^/]+)/", said)
    assert told is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{told[1]}/readyz")).text


async def _run_once(log: KafkaLog) -> ExecutionCompleted:
    seals = CommandSeals([CommandKey(COMMAND_KEY.encode())])
    producer = EventProducer(log, Sender(TENANT, "service:test"), SystemClock(), RandomIds(), seals)
    definition = function_job("end", "0 0 0 1 1 *", "billing.close_month", {"region": "eu"})
    _, job_id = await producer.create_job(definition)
    await producer.send(TriggerJob, job_id=job_id)
    async for event in EventConsumer(log, [EXECUTIONS], tenant_id=TENANT).events():
        if isinstance(event, Event) and isinstance(event.message, ExecutionCompleted):
            return event.message
    raise AssertionError("there is no end to what is followed")
