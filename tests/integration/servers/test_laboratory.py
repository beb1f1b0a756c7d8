"""`python -m deploy.local`: up and down may be repeated, and no process outlives its supervisor."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.state import Laboratory, read_state, write_state
from horolog.adapters.servers.process import await_end, identify, is_alive, send
from tests.integration.servers.conftest import DEADLINE_S, REPOSITORY, await_condition

pytestmark = pytest.mark.kafka


def _run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.local", *arguments, "--dir", str(home)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=100, check=False)


def test_up_and_down_may_be_repeated(home: Path) -> None:
    first = _run(home, "up", "--json")
    try:
        assert set(json.loads(first.stdout)) == {"KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "REDIS_URL"}
        assert _run(home, "up", "--json").stdout == first.stdout
        laboratory = read_state(home)
        assert laboratory is not None
        assert "export REDIS_URL=redis://127.0.0.1:" in _run(home, "env").stdout
        assert _run(home, "status").returncode == 0
    finally:
        down = _run(home, "down")
    assert down.returncode == _run(home, "down").returncode == 0
    assert not any(is_alive(identity) for identity in laboratory.servers.values())
    assert _run(home, "status").returncode == 1


def test_killed_supervisor_leaves_no_server(home: Path) -> None:
    assert _run(home, "up").returncode == 0
    laboratory = read_state(home)
    assert laboratory is not None
    send(laboratory.supervisor, signal.SIGKILL)
    assert len(laboratory.servers) == 3
    assert all(await_end(identity, DEADLINE_S) for identity in laboratory.servers.values())
    assert _run(home, "status").returncode == 1
    assert _run(home, "down").returncode == 0


def test_killed_up_leaves_no_supervisor(home: Path) -> None:
    command = [sys.executable, "-m", "deploy.local", "up", "--dir", str(home)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as starter:
        await_condition(lambda: read_state(home) is not None)
        starter.kill()
    laboratory = read_state(home)
    assert laboratory is None or await_end(laboratory.supervisor, DEADLINE_S)
    assert read_state(home) is None


def test_down_spares_a_process_that_got_a_recorded_pid(home: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as innocent:
        successor = identify(innocent.pid)
        assert successor is not None
        predecessor = replace(successor, started_ticks=successor.started_ticks - 1)
        write_state(home, Laboratory(predecessor, {"redis": predecessor}))
        assert _run(home, "down").returncode == 0
        assert innocent.poll() is None
        assert read_state(home) is None
        innocent.kill()
