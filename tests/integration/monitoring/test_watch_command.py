"""`python -m deploy.local watch`: whom it looks at, by which rules, and what it refuses.

`tests/documents/test_watching.py` runs it on a whole system.
"""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from deploy.local.ports import free_ports, is_free
from deploy.local.prometheus import prometheus_binaries
from deploy.local.watch import SOURCE, USUAL, targets_of, written
from horolog.adapters.servers.process import Identity, await_end, identify, send
from tests.documents.blocks import block
from tests.integration.monitoring.quick import RULES
from tests.integration.monitoring.test_rules import promtool
from tests.tidy.tree import ROOT

TIMEOUT_S = 60


def watch(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, where it ends by itself."""
    command = [sys.executable, "-m", "deploy.local", "watch", "--dir", str(folder), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def test_usual_processes_are_those_of_the_page() -> None:
    started = re.findall(r"PROMETHEUS_PORT=(\d+) \S+ serve (\w+)", block("docs/monitoring.md", "sh", 2).text)
    assert {role: int(port) for port, role in started} == targets_of([]) == USUAL


def test_processes_are_scraped_by_their_ports_and_judged_by_our_rules(tmp_path: Path) -> None:
    path = written(tmp_path, SOURCE, targets_of(["ticker=9475", "api=80"]))
    assert "SUCCESS" in promtool(prometheus_binaries(), "check", "config", path)
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [list(Path(pattern).parent.glob(Path(pattern).name)) for pattern in config["rule_files"]] == [[RULES]]
    assert [job["job_name"] for job in config["scrape_configs"]] == ["horolog-others"]
    assert yaml.safe_load((tmp_path / "targets" / "local.yml").read_text(encoding="utf-8")) == [
        {"targets": ["127.0.0.1:9475"], "labels": {"service": "ticker"}},
        {"targets": ["127.0.0.1:80"], "labels": {"service": "api"}},
    ]


@pytest.mark.parametrize("word", ["ticker", "=9465", "ticker=", "ticker=0", "ticker=654321", "tick er=9465"])
def test_what_is_no_target_is_told(tmp_path: Path, word: str) -> None:
    done = watch(tmp_path, word)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Expected SERVICE=PORT, such as ticker=9465, not {word!r}." in done.stderr


def test_taken_port_is_told_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = watch(tmp_path, "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Somebody listens at 127.0.0.1:{port}." in done.stderr
    assert not (tmp_path / "prometheus" / "data").exists()


@contextmanager
def watching(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The command, once it has said where its alerts are."""
    command = [sys.executable, "-m", "deploy.local", "watch", "--dir", str(folder), "--port", str(port), "api=80"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            said = [process.stdout.readline() for _ in range(3)]
            assert said[1:] == [f"Prometheus http://127.0.0.1:{port}\n", f"alerts     http://127.0.0.1:{port}/alerts\n"]
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_prometheus_ends_with_whoever_started_it(tmp_path: Path, stop: signal.Signals) -> None:
    (port,) = free_ports(1)
    with watching(tmp_path, port) as process:
        [prometheus] = children_of(process)
        process.send_signal(stop)
        assert process.wait(TIMEOUT_S) == (-stop if stop is signal.SIGKILL else 0)
        assert await_end(prometheus, TIMEOUT_S)
    assert is_free(port)


def test_end_of_prometheus_by_itself_is_told(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with watching(tmp_path, port) as process:
        [prometheus] = children_of(process)
        send(prometheus, signal.SIGKILL)
        assert process.wait(TIMEOUT_S) == 1
        assert process.stdout is not None
        assert "It ended by itself." in process.stdout.read()


def children_of(process: subprocess.Popen[str]) -> list[Identity]:
    """The processes that it has started."""
    pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [identity for pid in pids if (identity := identify(int(pid))) is not None]
