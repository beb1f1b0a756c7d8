"""The whole deployment under test: ten services on servers of its own (Kafka of one node or three, PostgreSQL, Valkey).

Where the kernel allows it, the database, the last Kafka node and the services' logs have file systems of their own,
which a fault may fill. Everything is in a temporary folder and ends with the context,
or with this process, however it ends.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.cluster import LocalKafka
from deploy.local.ports import free_ports
from horolog.adapters.servers import PostgresOptions, PrivatePostgres, PrivateValkey
from horolog.cli.vault_schema import migrate_vault
from horolog.log.kafka import KafkaLog, KafkaSettings
from projections.migrate import migrate
from schemas.topics import partition_of
from tests.campaign.kernel import mount_memory
from tests.campaign.mourner import PRIVATE_PREFIX, mourned
from tests.campaign.services import EACH, Services, waited
from tests.faults.deployment import TENANT

PARTITION_COUNT = 4
PREFIX = "campaign."
SERVICE_TOKEN = "s3rv1ce-word-of-the-campaign"
POSTGRES_MB, KAFKA_MB, LOGS_MB = 1500, 1024, 64


def _tenants() -> tuple[str, ...]:
    """The tenant of the fault tests, and one for every other partition."""
    chosen = {partition_of(TENANT, PARTITION_COUNT): TENANT}
    for number in range(100):
        tenant = f"{number:08x}-2222-4333-8444-555555555555"
        chosen.setdefault(partition_of(tenant, PARTITION_COUNT), tenant)
    return tuple(chosen[partition] for partition in sorted(chosen))


TENANTS = _tenants()
TOKENS = {tenant: f"tOk3n-of-{tenant}" for tenant in TENANTS}


@dataclass(frozen=True, slots=True)
class System:
    """The running deployment; the addresses stay the same whatever happens."""

    folder: Path
    nodes: int
    kafka: LocalKafka
    postgres: PrivatePostgres
    valkey: PrivateValkey
    services: Services
    bootstrap: str
    dsn: str
    redis_url: str
    ports: tuple[int, ...]
    """Every port that a service connects to; the last one is that of the HTTP target."""

    @property
    def marks(self) -> Path:
        """Where the targets write."""
        return self.folder / "marks"

    async def open_log(self) -> KafkaLog:
        """The log as the services see it."""
        return await KafkaLog.open(KafkaSettings(self.bootstrap, PREFIX, PARTITION_COUNT))


@contextmanager
def deployed(nodes: int, has_mounts: bool) -> Iterator[System]:
    """A deployment that is starting; `has_mounts` says whether this process may mount."""
    with ExitStack() as stack:
        kept = tempfile.TemporaryDirectory(prefix=PRIVATE_PREFIX, ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(kept))
        stack.enter_context(mourned(folder))
        # PostgreSQL's own account must pass through it.
        folder.chmod(0o755)
        (folder / "logs").mkdir()
        if has_mounts:
            sizes = {"postgres": POSTGRES_MB, f"kafka/node-{nodes}": KAFKA_MB, "logs": LOGS_MB}
            for name, size_mb in sizes.items():
                mount_memory(folder / name, size_mb)
                stack.callback(subprocess.run, ["umount", "--lazy", str(folder / name)], check=False)
        yield _started(folder, nodes, stack)


def _started(folder: Path, nodes: int, stack: ExitStack) -> System:
    postgres_port, valkey_port, http_port, *api_ports = free_ports(3 + EACH)
    kafka = LocalKafka(folder / "kafka", nodes=nodes)
    postgres = PrivatePostgres(folder / "postgres", PostgresOptions(tcp_port=postgres_port))
    valkey = PrivateValkey(folder / "valkey", valkey_port)
    for server in (kafka, postgres, valkey):
        stack.callback(server.stop)
    bootstrap, dsn, redis_url = kafka.start(), postgres.start(), valkey.start()
    asyncio.run(migrate(dsn))
    asyncio.run(migrate_vault(dsn))
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "HOROLOG_HTTP_ALLOWED": "127.0.0.0/8",
        "HOROLOG_TASK_KEYS": "tests-of-this-machine-alone-0123456789",
        "HOROLOG_COMMAND_KEYS": "commands-of-this-machine-alone-0123456789",
        # Jobs leave their marks in one file of the campaign.
        "HOROLOG_ISOLATION": "process",
        "HOROLOG_JOB_UID_RANGE": "",
        "HOROLOG_TENANT_DEFAULTS": json.dumps(
            {"allowedExecutables": ["/bin/sh", "/bin/true"], "allowedModules": ["tests.campaign.targets"]}
        ),
        "HOROLOG_MASTER_KEYS": "tests=q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQIRM3V3mbu94=",
        "DATABASE_URL": dsn,
        "REDIS_URL": redis_url,
        "HOROLOG_TOPIC_PREFIX": PREFIX,
        "HOROLOG_PARTITIONS": str(PARTITION_COUNT),
        "HOROLOG_REPLICATION_FACTOR": str(nodes),
        "HOROLOG_HOME": str(folder / "home"),
        "HOROLOG_TOKENS": ",".join(f"{token}={tenant}" for tenant, token in TOKENS.items()),
        "INTERNAL_SERVICE_TOKEN": SERVICE_TOKEN,
        "LOG_LEVEL": "warning",
        # Many processes, one machine: each takes a free port.
        "PROMETHEUS_PORT": "0",
    }
    subprocess.run([sys.executable, "-m", "horolog.cli", "topics"], env=environment, check=True, capture_output=True)
    services = Services(environment, folder / "logs", api_ports)
    stack.callback(services.stop)
    argv = [sys.executable, "-m", "tests.campaign.http_target", str(folder / "marks"), str(http_port)]
    target = services.spawn(argv, "http-target", os.environ)
    stack.callback(waited, target)
    stack.callback(target.terminate)
    services.refill()
    kafka_ports = [int(address.rpartition(":")[2]) for address in bootstrap.split(",")]
    ports = (*kafka_ports, postgres_port, valkey_port, http_port)
    return System(folder, nodes, kafka, postgres, valkey, services, bootstrap, dsn, redis_url, ports)
