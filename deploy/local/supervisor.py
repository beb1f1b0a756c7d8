"""The background process that owns the laboratory's servers, from start to `down`.

It reports readiness as one JSON line on stdout. When nobody is left to read that line, because `up` was
killed, it stops everything again instead of leaving servers that nobody asked for.
"""

import json
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from deploy.local.cluster import LocalKafka
from deploy.local.ports import free_ports
from deploy.local.state import Laboratory, remove_state, write_state
from deploy.local.system_packages import laboratory_postgres, laboratory_redis
from horolog.adapters.servers import PostgresOptions, PrivatePostgres, PrivateValkey, ServerUnavailable
from horolog.adapters.servers.child import DirectoryLock
from horolog.adapters.servers.process import Identity, identify

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def supervise(directory: Path, kafka_nodes: int) -> int:
    """Start all servers, report, wait for a stop signal, stop them; return the exit code."""
    for number in STOP_SIGNALS:
        signal.signal(number, _leave)
    lock = DirectoryLock("Laboratory", directory / "lock")
    try:
        lock.acquire()
    except ServerUnavailable as error:
        _report({"error": str(error)})
        return 1
    try:
        return _run(directory, kafka_nodes)
    finally:
        remove_state(directory)
        lock.release()


def _run(directory: Path, kafka_nodes: int) -> int:
    supervisor = identify(os.getpid())
    if supervisor is None:
        raise ServerUnavailable("Laboratory", "It cannot read /proc.", "Run it on Linux.")
    write_state(directory, Laboratory(supervisor))
    with ExitStack() as running:
        try:
            laboratory = _start(directory, kafka_nodes, supervisor, running)
        except ServerUnavailable as error:
            _report({"error": str(error)})
            return 1
        write_state(directory, laboratory)
        try:
            _report({"environment": laboratory.environment})
        except BrokenPipeError:
            return 1
        _close_stdout()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        signal.sigwait(STOP_SIGNALS)
    return 0


def _start(directory: Path, kafka_nodes: int, supervisor: Identity, running: ExitStack) -> Laboratory:
    postgres_port, redis_port = free_ports(2)
    options = PostgresOptions(tcp_port=postgres_port, binaries=laboratory_postgres())
    postgres = PrivatePostgres(directory / "postgres", options)
    database_url = running.enter_context(postgres)
    redis = PrivateValkey(directory / "redis", redis_port, laboratory_redis())
    redis_url = running.enter_context(redis)
    kafka = running.enter_context(LocalKafka(directory / "kafka", kafka_nodes))
    identities = {"postgres": postgres.identity, "redis": redis.identity}
    identities |= {f"kafka-{n}": kafka.child(n).identity for n in range(1, kafka_nodes + 1)}
    servers = {name: identity for name, identity in identities.items() if identity is not None}
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
    }
    return Laboratory(supervisor, servers, environment)


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _report(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _close_stdout() -> None:
    """Give the pipe free, so that whoever reads `up`'s output sees its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
