"""`horolog worker run` without a system to join, by the commands of the README: everything, and the function in it."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from horolog.client import AsyncClient, ClientSettings, HorologError, Patience
from horolog.runtime.connection import connection
from tests.documents.blocks import block
from tests.tidy.tree import ROOT

DEADLINE_S = 90.0
POLL_S = 0.1
ONCE = ClientSettings(patience=Patience(try_count_max=1))


@contextmanager
def horolog(home: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command, in a directory of its own; what it says is in `said`."""
    environment = {**os.environ, "HOROLOG_HOME": str(home), "PROMETHEUS_PORT": "0"}
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "HOROLOG_URL", "HOROLOG_TOKEN"):
        environment.pop(name, None)
    with (home.parent / "said").open("wb") as said:
        command = [sys.executable, "-m", "horolog.cli", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def client_of(home: Path) -> AsyncClient:
    """A client of what runs there, once it answers."""
    async with asyncio.timeout(DEADLINE_S):
        while not (home / "client.json").exists():
            await asyncio.sleep(POLL_S)
        place = connection(None, None, {"HOROLOG_HOME": str(home)})
        client = AsyncClient(place.url, place.token, ONCE)
        while not await answers(client):
            await asyncio.sleep(POLL_S)
        return client


async def answers(client: AsyncClient) -> bool:
    try:
        return (await client.get_status()).status == "running"
    except HorologError:
        return False


@pytest.mark.slow
async def test_from_nothing_to_a_function_that_runs(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    hosting, asking = (shlex.split(line, comments=True) for line in block("README.md", "sh", 3).text.splitlines())
    assert (hosting[0], asking[0]) == (".venv/bin/horolog", ".venv/bin/python")
    with horolog(home, *hosting[1:], "--port", "0") as process:
        async with await client_of(home) as client:
            await asyncio.to_thread(_run_example, home, asking[1:])
            [job] = [job async for job in client.list_jobs()]
            execution = await client.trigger_job(job.id)
            ended = await client.wait_for_execution(execution.id, timeout_s=DEADLINE_S)
            assert (ended.status, ended.result) == ("completed", "closed eu")
        process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(process.wait, DEADLINE_S) == 0
    assert "worker examples.month_end: billing.close_month" in (tmp_path / "said").read_text()


@pytest.mark.parametrize(("target", "words"), [("not a module", "is not a module"), ("a::b", "is not a module")])
async def test_what_is_no_module_is_wrong_use(tmp_path: Path, target: str, words: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with horolog(home, "worker", "run", target) as process:
        assert await asyncio.to_thread(process.wait, DEADLINE_S) == 2
    assert words in (tmp_path / "said").read_text()


def _run_example(home: Path, words: list[str]) -> None:
    environment = {**os.environ, "HOROLOG_HOME": str(home)}
    environment.pop("HOROLOG_URL", None)
    environment.pop("HOROLOG_TOKEN", None)
    command = [sys.executable, *words]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=DEADLINE_S)
