"""`horolog dev`, ended by Ctrl-C and by `kill -9`: the next run goes on, no fire is lost, none is doubled."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from horolog.adapters.system import SystemClock
from tests.e2e.system import PREFIX, command_job

DEADLINE_S = 60.0
POLL_S = 0.1
SECOND = timedelta(seconds=1)
ENDED = ("completed", "failed", "cancelled", "skipped", "missed")


@contextmanager
def dev(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running `horolog dev` that keeps its data in the folder."""
    command = [sys.executable, "-m", "horolog.cli", "dev", "--dir", str(folder), "--port", "0", "--no-examples"]
    (folder / "client.json").unlink(missing_ok=True)
    with (folder.parent / "dev.log").open("ab") as log:
        environment = {**os.environ, "HOROLOG_TENANT_DEFAULTS": '{"allowedExecutables": ["/bin/sh"]}'}
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def client_of(folder: Path) -> httpx.AsyncClient:
    """A client of the run that has just begun, once it answers."""
    async with asyncio.timeout(DEADLINE_S):
        while not (folder / "client.json").exists():
            await asyncio.sleep(POLL_S)
        told = json.loads((folder / "client.json").read_text())
        headers = {"Authorization": f"Bearer {told['token']}"}
        client = httpx.AsyncClient(base_url=told["url"] + PREFIX, headers=headers, trust_env=False, timeout=DEADLINE_S)
        while not await answers(client):
            await asyncio.sleep(POLL_S)
        return client


async def answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/status")).status_code == 200
    except httpx.TransportError:
        return False


async def ledger(client: httpx.AsyncClient, job_id: str) -> list[tuple[datetime, str]]:
    """Every row of the job: its instant and its status."""
    rows: list[tuple[datetime, str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await client.get(f"/jobs/{job_id}/executions", params={"limit": "200", **cursor})).json()
        rows += [(datetime.fromisoformat(item["scheduledAt"]), item["status"]) for item in page["items"]]
        if not page.get("nextCursor"):
            return sorted(rows)
        cursor = {"cursor": page["nextCursor"]}


async def ended_until(client: httpx.AsyncClient, job_id: str, instant: datetime) -> list[tuple[datetime, str]]:
    """Every row up to the instant, once that one and all before have ended."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            rows = [row for row in await ledger(client, job_id) if row[0] <= instant]
            if rows and rows[-1][0] == instant and all(status in ENDED for _, status in rows):
                return rows
            await asyncio.sleep(POLL_S)


async def start_job(folder: Path) -> dict[str, Any]:
    client = await client_of(folder)
    body = command_job("true", name="each second", cronExpression="* * * * * *", maxConcurrent=100)
    answer = await client.post("/jobs", json=body)
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    await ended_until(client, job["id"], now() + 2 * SECOND)
    await client.aclose()
    return job


def now() -> datetime:
    return SystemClock().now().replace(microsecond=0)


def left_behind(folder: Path) -> list[str]:
    """Command lines of processes that still use the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line and path.parent.name != str(os.getpid()):
            found.append(line)
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
async def test_the_next_run_goes_on_where_the_first_ended(tmp_path: Path, ending: signal.Signals) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    with dev(folder) as first:
        job = await start_job(folder)
        first.send_signal(ending)
        assert first.wait(DEADLINE_S) == (0 if ending is signal.SIGINT else -ending)
    async with asyncio.timeout(DEADLINE_S):
        while left_behind(folder):
            await asyncio.sleep(POLL_S)
    with dev(folder):
        client = await client_of(folder)
        last = now() + 2 * SECOND
        rows = await ended_until(client, job["id"], last)
        await client.aclose()
    begin = rows[0][0]
    assert datetime.fromisoformat(job["createdAt"]) < begin <= datetime.fromisoformat(job["createdAt"]) + SECOND
    owed = [begin + n * SECOND for n in range(int((last - begin).total_seconds()) + 1)]
    assert [instant for instant, _ in rows] == owed
    assert {status for _, status in rows} == {"completed"}
