"""Two releases on the same servers, topics and tables: how each is started, and what the two are seen to do.

There are two tenants in each partition, so that whatever is asked is decided by the owners of both releases. Jobs of
the watched ones fire each second and are never touched; the others are changed, suspended and resumed.
"""

import asyncio
import itertools
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx

from horolog.adapters.system import SystemClock
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Place
from schemas.topics import DLQ, partition_of
from tests.faults.client import DEADLINE_S, EACH_SECOND, POLL_S, Client, api_environment, free_port
from tests.faults.deployment import Deployment, environment_of, running
from tests.faults.ledger import accounted_until

PARTITION_COUNT = 4
ROLES = ("projections", "dispatcher", "ticker", "executor", "api")
OWNERS = ("ticker", "dispatcher")
PLATFORM = "pl4tforms-w0rd-of-these-tests"
A_WHILE = timedelta(seconds=3)
COMMAND_DEADLINE_S = 120


def _tenants(count: int) -> list[str]:
    """That many of each partition, partition by partition."""
    numbered = (str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))) for number in itertools.count())
    found: dict[int, list[str]] = {partition: [] for partition in range(PARTITION_COUNT)}
    while any(len(known) < count for known in found.values()):
        tenant = next(numbered)
        found[partition_of(tenant, PARTITION_COUNT)].append(tenant)
    return [tenant for known in found.values() for tenant in known[:count]]


TENANTS = _tenants(2)
WATCHED, TOUCHED = TENANTS[::2], TENANTS[1::2]


def token_of(tenant: str) -> str:
    """The token of a tenant, at the API of either release."""
    return f"w0rd-of-{tenant}"


@dataclass(slots=True)
class Servers:
    """Where both releases work, and the jobs that are watched."""

    kafka: str
    dsn: str
    prefix: str
    folder: Path
    jobs: list[str] = field(default_factory=list)
    begun: str = ""

    def environment(self, name: str, code: Path, *, is_upgrading: bool, port: int = 0) -> dict[str, str]:
        """What the processes of a release are told, who are called by this name."""
        tokens = ",".join(f"{token_of(tenant)}={tenant}" for tenant in TENANTS)
        settings = api_environment(port or free_port()) | {
            "HOROLOG_MEMBER": name,
            "HOROLOG_TOKENS": tokens,
            "INTERNAL_SERVICE_TOKEN": f"{PLATFORM}=platform:tenants:manage",
            "HOROLOG_UPGRADING": str(is_upgrading).lower(),
            # Its children import what it is made of, and not what is installed.
            "PYTHONPATH": str(code),
        }
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return environment_of(self.kafka, self.dsn, self.prefix, folder, settings)

    def command(self, code: Path, *words: str) -> str:
        """Run a command of a release; what it said."""
        environment = self.environment("command", code, is_upgrading=False)
        done = subprocess.run(
            [sys.executable, "-m", "horolog.cli", *words],
            cwd=code, env=environment, capture_output=True, text=True, timeout=COMMAND_DEADLINE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def started(self, name: str, code: Path, *, is_upgrading: bool = False) -> Iterator["Release"]:
        """The services of a release, ended at the end if not before."""
        port = free_port()
        environment = self.environment(name, code, is_upgrading=is_upgrading, port=port)
        with running(environment, self.folder / name, ROLES, code) as deployment:
            yield Release(name, deployment, port)

    async def watch(self, release: "Release") -> None:
        """Create the watched jobs."""
        for tenant in WATCHED:
            async with release.client(tenant) as client:
                self.jobs.append(await client.created(EACH_SECOND))
        self.begun = SystemClock().now().isoformat()

    async def go_on(self) -> None:
        """Wait until every watched job has one row for each instant, up to a while from now."""
        until = SystemClock().now() + A_WHILE
        for job in self.jobs:
            await accounted_until(self.dsn, job, until)

    async def owned_by(self, *names: str) -> None:
        """Wait until each of these, and nobody else, owns partitions as ticker and as dispatcher."""
        wanted = {(role, name) for role in OWNERS for name in names}
        connection = await asyncpg.connect(self.dsn)
        found: set[tuple[str, str]] = set()
        try:
            async with asyncio.timeout(DEADLINE_S):
                while found != wanted:
                    await asyncio.sleep(POLL_S)
                    rows = await connection.fetch("select role, owner from partition_owners")
                    found = {(row["role"], row["owner"]) for row in rows}
        except TimeoutError:
            raise AssertionError(f"partitions are owned by {sorted(found)}, not by {sorted(wanted)}") from None
        finally:
            await connection.close()

    async def dead_letters(self) -> list[str]:
        """Every dead letter so far."""
        log = await KafkaLog.open(KafkaSettings(self.kafka, self.prefix, PARTITION_COUNT))
        try:
            places = [Place(DLQ.name, partition) for partition in range(PARTITION_COUNT)]
            ends = await log.settled_ends(places)
            found = [[r async for batch in log.scan(place, 0, ends[place]) for r in batch] for place in places]
            return [(record.value or b"").decode() for records in found for record in records]
        finally:
            await log.close()


@dataclass(frozen=True, slots=True)
class Release:
    """The running services of one release."""

    name: str
    deployment: Deployment
    port: int

    def client(self, tenant: str) -> "TenantClient":
        """A tenant's client at this release's API."""
        return TenantClient(self.port, token_of(tenant))

    async def ready(self) -> None:
        """Wait until its API says that every part is there."""
        async with self.client(TENANTS[0]) as client:
            await client.until_healthy()

    async def operate(self, deed: str, tenant: str) -> None:
        """Have the platform `suspend` or `resume` a tenant."""
        headers = {"X-Service-Token": PLATFORM}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False) as http:
            answer = await http.post(f"/internal/tenants/{tenant}/{deed}", headers=headers, timeout=DEADLINE_S)
        assert answer.status_code == 200, answer.text

    def said(self) -> str:
        """All that its processes have said."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.deployment.logs.glob("*.log")))


class TenantClient:
    """A `Client` with a tenant's own token, for as long as it is entered."""

    def __init__(self, port: int, token: str) -> None:
        headers, url = {"Authorization": f"Bearer {token}"}, f"http://127.0.0.1:{port}"
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=DEADLINE_S, trust_env=False)

    async def __aenter__(self) -> Client:
        return Client(await self._http.__aenter__())

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
