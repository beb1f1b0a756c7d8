"""`python -m deploy.local watch`: whom it looks at, by which rules, and what it refuses.

`tests/documents/test_watching.py` runs it on a whole system.
"""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.local.prometheus import prometheus_binaries
from deploy.local.watch import SOURCE, USUAL, targets_of, written
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
