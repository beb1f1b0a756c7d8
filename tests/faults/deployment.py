"""Separate processes on real servers: `horolog serve`, two of each where it matters, killed by their pids."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

ROLES = ("ticker", "ticker", "dispatcher", "dispatcher", "executor", "executor", "projections", "projections")
TENANT = "11111111-2222-4333-8444-555555555555"
COMMAND_KEY = "commands-of-this-machine-alone-0123456789"
"""By which commands are sealed; a dispatcher decides on no others."""
ROOT = Path(__file__).resolve().parents[2]
GRACE_S = 20
SHOWN_LINE_COUNT = 30


@dataclass(slots=True)
class Deployment:
    """Running processes by role, of the code in a folder; `python` is the interpreter that runs them."""

    environment: dict[str, str]
    logs: Path
    code: Path = ROOT
    python: str = sys.executable
    processes: dict[str, list[subprocess.Popen[bytes]]] = field(default_factory=dict)

    def start(self, role: str) -> None:
        """Start one more process of the role."""
        running = self.processes.setdefault(role, [])
        with (self.logs / f"{role}-{len(running)}.log").open("ab") as log:
            command = [self.python, "-m", "horolog.cli", "serve", role]
            running.append(subprocess.Popen(command, cwd=self.code, env=self.environment, stdout=log, stderr=log))

    def kill(self, role: str) -> None:
        """Kill the oldest living process of the role, as a crash would."""
        victim = next(process for process in self.processes[role] if process.poll() is None)
        victim.send_signal(signal.SIGKILL)
        victim.wait()

    def living(self) -> int:
        """How many processes have not ended."""
        return sum(process.poll() is None for running in self.processes.values() for process in running)

    def told(self) -> str:
        """The end of what each process said, to explain a failure."""
        tails = []
        for path in sorted(self.logs.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-SHOWN_LINE_COUNT:]
            tails.append("\n".join([f"--- {path.name}", *lines]))
        return "\n".join(tails)

    def stop(self) -> None:
        """End all processes."""
        everyone = [process for running in self.processes.values() for process in running]
        for process in everyone:
            process.terminate()
        for process in everyone:
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def deployed(
    kafka: str,
    dsn: str,
    prefix: str,
    logs: Path,
    *,
    roles: Sequence[str] = ROLES,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Deployment]:
    """These services on these servers, with these further settings; ended at the end."""
    environment = environment_of(kafka, dsn, prefix, logs, settings)
    subprocess.run([sys.executable, "-m", "horolog.cli", "topics"], env=environment, check=True, capture_output=True)
    with running(environment, logs, roles) as deployment:
        yield deployment


def environment_of(kafka: str, dsn: str, prefix: str, logs: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """What a process has to know of the servers, with these further settings."""
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "HOROLOG_HTTP_ALLOWED": "127.0.0.0/8",
        "HOROLOG_TASK_KEYS": "tests-of-this-machine-alone-0123456789",
        "HOROLOG_COMMAND_KEYS": COMMAND_KEY,
        # Jobs leave marks in the directory of their test.
        "HOROLOG_ISOLATION": "process",
        "HOROLOG_JOB_UID_RANGE": "",
        "HOROLOG_TENANT_DEFAULTS": json.dumps(
            {"allowedExecutables": ["/bin/sh", "/bin/true"], "allowedModules": ["examples"]}
        ),
        "HOROLOG_MASTER_KEYS": "tests=q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQIRM3V3mbu94=",
        "DATABASE_URL": dsn,
        "HOROLOG_TOPIC_PREFIX": prefix,
        "HOROLOG_PARTITIONS": "4",
        "HOROLOG_HOME": str(logs),
        "PROMETHEUS_PORT": "0",
    }
    environment.pop("REDIS_URL", None)
    return environment | dict(settings)


@contextmanager
def running(
    environment: dict[str, str], logs: Path, roles: Sequence[str], code: Path = ROOT, python: str = sys.executable
) -> Iterator[Deployment]:
    """One process for each of the roles, whatever of their servers is there; ended at the end."""
    deployment = Deployment(environment, logs, code, python)
    try:
        for role in roles:
            deployment.start(role)
        yield deployment
    except BaseException:
        sys.stdout.write(deployment.told())
        raise
    finally:
        deployment.stop()
