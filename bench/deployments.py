"""Whole deployments to be measured: private servers, the services beside them, and who is which component.

`embedded` is `horolog serve all`: one process with the log in a file. `kafka` is one process (or more) for each
service on a broker of its own. Both have a PostgreSQL and a Valkey. `dev` is `horolog dev`, with all that it starts.
Everything lives in a temporary folder and ends with the context.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Memory, family, memory_of, snapshot
from bench.services import REPOSITORY, STOP_S_MAX, Services
from deploy.local.cluster import LocalKafka
from deploy.local.ports import free_ports
from horolog.adapters.servers import PrivatePostgres, PrivateValkey

TENANTS = tuple(f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 9))
KAFKA_ROLES = ("api", "ticker", "dispatcher", "executor", "projections")
SERVERS = frozenset({"kafka", "postgres", "valkey"})
FUNCTIONS = "functions"
_SERVER_PROGRAMS = {"postgres": "postgres", "valkey-server": "valkey"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a deployment is made: `each` is how many processes of each service, `concurrency` that of one executor."""

    kind: str
    each: int = 1
    concurrency: int = 1000
    profiles: Path | None = None
    logs: Path | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running deployment. `roots` are the first processes of its components."""

    kind: str
    url: str
    service_token: str
    token: str
    dsn: str
    roots: Mapping[str, list[int]]
    sample: Callable[[bool], None]
    check: Callable[[], None]

    def members(self) -> dict[str, list[int]]:
        """The living processes of each component; what an executor started is a component of its own."""
        processes = snapshot()
        found: dict[str, list[int]] = {name: [] for name in self.roots}
        for name, pids in self.roots.items():
            for pid in pids:
                first, *started = family(pid, processes)
                found[name].append(first)
                for other in started:
                    found.setdefault(name if name in SERVERS else _component_of(other), []).append(other)
        return found

    def cpu_ms(self) -> dict[str, float]:
        """CPU time of each component so far, in milliseconds."""
        processes = snapshot()
        return {
            name: sum(processes[pid].cpu_ms for pid in pids if pid in processes)
            for name, pids in self.members().items()
        }

    def memory(self) -> dict[str, Memory]:
        """Resident memory of each component."""
        return {name: memory_of(pids) for name, pids in self.members().items()}


@contextmanager
def deployed(shape: Shape) -> Iterator[Deployment]:
    """A deployment of this shape, starting up; wait until it is ready before asking it for anything."""
    start = {"embedded": _serving, "kafka": _serving, "dev": _dev}[shape.kind]
    with tempfile.TemporaryDirectory(prefix="horolog-bench-", ignore_cleanup_errors=True) as folder:
        # PostgreSQL's own account has to pass through.
        Path(folder).chmod(0o755)
        with start(shape, Path(folder)) as deployment:
            yield deployment


@contextmanager
def _serving(shape: Shape, folder: Path) -> Iterator[Deployment]:
    with ExitStack() as stack:
        environment, roots = _servers(shape, folder, stack)
        service_token, token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        (port,) = free_ports(1)
        environment |= {
            "HOROLOG_TOKENS": f"{token}={TENANTS[0]}:bench",
            "INTERNAL_SERVICE_TOKEN": service_token,
            "HOROLOG_API_PORT": str(port),
            # One client asks for many.
            **dict.fromkeys(("HOROLOG_RATE_TENANT", "HOROLOG_RATE_CALLER", "HOROLOG_RATE_ADDRESS"), "100000/100000"),
            "SCHEDULER_MAX_CONCURRENT_JOBS": str(shape.concurrency),
            "LOG_LEVEL": "warning",
            "PROMETHEUS_PORT": "0",
        }
        services = Services(environment, shape.logs or folder, shape.profiles)
        services.prepare()
        stack.callback(services.stop)
        for role in KAFKA_ROLES if shape.kind == "kafka" else ("all",):
            for _ in range(shape.each if role not in ("api", "all") else 1):
                services.start(role)
        yield Deployment(
            kind=shape.kind,
            url=f"http://127.0.0.1:{port}",
            service_token=service_token,
            token=token,
            dsn=environment["DATABASE_URL"],
            roots={**{"horolog" if role == "all" else role: pids for role, pids in services.pids.items()}, **roots},
            sample=services.sample,
            check=services.check,
        )


def _servers(shape: Shape, folder: Path, stack: ExitStack) -> tuple[dict[str, str], dict[str, list[int]]]:
    postgres, valkey = PrivatePostgres(folder / "postgres"), PrivateValkey(folder / "valkey")
    environment = {
        "HOROLOG_HOME": str(folder / "home"),
        "DATABASE_URL": stack.enter_context(postgres),
        "REDIS_URL": stack.enter_context(valkey),
        "KAFKA_BOOTSTRAP_SERVERS": "",
        "HOROLOG_HTTP_ALLOWED": "127.0.0.0/8",
        "HOROLOG_TASK_KEYS": "tests-of-this-machine-alone-0123456789",
        "HOROLOG_COMMAND_KEYS": "commands-of-this-machine-alone-0123456789",
        "HOROLOG_TENANT_DEFAULTS": json.dumps({"allowedModules": ["bench.functions"]}),
        "HOROLOG_MASTER_KEYS": "tests=q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQIRM3V3mbu94=",
    }
    started = {"postgres": postgres.identity, "valkey": valkey.identity}
    if shape.kind == "kafka":
        kafka = stack.enter_context(LocalKafka(folder / "kafka"))
        environment["KAFKA_BOOTSTRAP_SERVERS"] = kafka.bootstrap
        started["kafka"] = kafka.child(1).identity
    return environment, {name: [identity.pid] for name, identity in started.items() if identity is not None}


@contextmanager
def _dev(shape: Shape, folder: Path) -> Iterator[Deployment]:
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "horolog.cli", "dev", "--no-examples", "--port", str(port), "--dir", str(folder)]
    with (folder / "dev.log").open("ab") as log:
        environment = {**os.environ, "PROMETHEUS_PORT": "0"}
        process = subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=log, stderr=log)
    try:
        credentials = _await_credentials(folder, process)
        yield Deployment(
            kind=shape.kind,
            url=f"http://127.0.0.1:{port}",
            service_token=credentials["service_token"],
            token=credentials["token"],
            dsn="",
            roots={"horolog": [process.pid]},
            sample=lambda _: None,
            check=lambda: None,
        )
    finally:
        process.terminate()
        process.wait(STOP_S_MAX)


def _await_credentials(folder: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    """What the deployment wrote down when its servers were up."""
    path = folder / "credentials.json"
    while not path.exists():
        try:
            code = process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        raise RuntimeError(f"horolog dev ended with {code}: {(folder / 'dev.log').read_text()[-2000:]}")
    credentials: dict[str, str] = json.loads(path.read_text())
    return credentials


def _component_of(pid: int) -> str:
    try:
        # Servers write what they do over their arguments: "postgres: user database …", "…/valkey-server *:0".
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").split()
    except OSError:
        words = []
    return _SERVER_PROGRAMS.get(Path(words[0].rstrip(":")).name, FUNCTIONS) if words else FUNCTIONS
