"""Servers of a test's own, which it may freeze, end and start again on the same data and addresses."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.cluster import LocalKafka
from deploy.local.ports import free_ports
from horolog.adapters.servers import PrivatePostgres, PrivateValkey
from horolog.adapters.servers.postgres import PostgresOptions
from horolog.adapters.servers.process import Identity, identify, send


@dataclass(frozen=True, slots=True)
class Servers:
    """One of each; the addresses stay the same whatever happens to them."""

    kafka: LocalKafka
    postgres: PrivatePostgres
    valkey: PrivateValkey
    bootstrap: str
    dsn: str
    redis_url: str

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """The server neither answers nor closes a connection, as behind a broken network."""
        family = _freeze(self._identity(name))
        try:
            yield
        finally:
            for process in reversed(family):
                send(process, signal.SIGCONT)

    @contextmanager
    def gone(self, name: str) -> Iterator[None]:
        """The server has ended, and nobody listens at its address."""
        if name == "kafka":
            self.kafka.kill_node(1)
        else:
            self._private(name).stop()
        try:
            yield
        finally:
            if name == "kafka":
                self.kafka.restart_node(1)
            else:
                self._private(name).start()

    def _private(self, name: str) -> PrivatePostgres | PrivateValkey:
        return self.postgres if name == "postgres" else self.valkey

    def _identity(self, name: str) -> Identity:
        identity = self.kafka.child(1).identity if name == "kafka" else self._private(name).identity
        assert identity is not None
        return identity


@contextmanager
def own_servers() -> Iterator[Servers]:
    """Started for the test alone, and ended with it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="horolog-outages-")))
        # PostgreSQL's own account must pass through it.
        folder.chmod(0o755)
        postgres_port, valkey_port = free_ports(2)
        kafka = LocalKafka(folder / "kafka", nodes=1)
        postgres = PrivatePostgres(folder / "postgres", PostgresOptions(tcp_port=postgres_port))
        valkey = PrivateValkey(folder / "valkey", valkey_port)
        for server in (kafka, postgres, valkey):
            stack.callback(server.stop)
        yield Servers(kafka, postgres, valkey, kafka.start(), postgres.start(), valkey.start())


def _freeze(process: Identity) -> list[Identity]:
    """Freeze a process, so that it starts no more children, then those that it has; returns all of them."""
    send(process, signal.SIGSTOP)
    try:
        pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    children = [identity for pid in pids if (identity := identify(int(pid))) is not None]
    return [process, *(frozen for child in children for frozen in _freeze(child))]
