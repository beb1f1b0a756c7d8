"""PostgreSQL as the projectors see it: transactions, advisory locks, broken connections, commits without an answer.

Guarantee: what a transaction wrote is there as a whole once it is committed, and never otherwise; its locks go with it
or with its connection. The projector's own writer runs unchanged on top of this.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import asyncpg

from horolog.domain.cron import tzdata_version
from horolog.log.port import Membership
from projections.projector import Projector
from projections.statements import statement
from tests.sim.network import TIMEOUT_S, Network
from tests.sim.process import Process
from tests.sim.tables import Tables

_NAMES = (
    "claim_positions",
    "read_positions",
    "lock_partitions",
    "advance_positions",
    "skip_positions",
    "upsert_jobs",
    "insert_job_versions",
    "add_job_activity",
    "upsert_executions",
    "insert_outcomes",
    "upsert_workers",
    "upsert_owners",
    "upsert_tenants",
    "insert_tenant_changes",
    "audit_heads",
    "insert_audit_links",
)
_NAME_OF_TEXT = {statement(name): name for name in _NAMES}

Change = Callable[[], None]


@dataclass(frozen=True, slots=True)
class DatabaseCommit:
    """One transaction that took effect: the statements whose changes it holds."""

    at: float
    process: str
    statements: frozenset[str]


@dataclass(slots=True)
class Database:
    """The server: the tables, who holds which partition's lock, and who is connected."""

    network: Network
    tables: Tables = field(default_factory=Tables)
    connections: list["Connection"] = field(default_factory=list)
    holders: dict[int, "Connection"] = field(default_factory=dict)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    commits: list["DatabaseCommit"] = field(default_factory=list)

    async def connect(self, process: Process) -> "Connection":
        """A session of this process."""
        await self.network.latency()
        if self.network.happens("database"):
            self.network.trace.count("database out of reach")
            raise OSError("no database there")
        connection = Connection(self, process)
        self.connections.append(connection)
        return connection

    def process_died(self, process: Process) -> None:
        """End the sessions of a process that is gone."""
        for connection in [c for c in self.connections if c.process is process]:
            connection.break_off()

    def release(self, connection: "Connection") -> None:
        """Let go of every lock of the session."""
        self.holders = {partition: holder for partition, holder in self.holders.items() if holder is not connection}
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class Connection:
    """One session, as far as the projector makes use of it."""

    def __init__(self, database: Database, process: Process) -> None:
        self.process = process
        self._database = database
        self._changes: list[Change] | None = None
        self._statements: set[str] = set()
        self._broken = False

    async def execute(self, text: str, *args: Any) -> None:
        name = _NAME_OF_TEXT.get(text)
        if name is None:
            return  # tables are made here, which there is no need for
        await self._reach()
        match name:
            case "lock_partitions":
                await self._lock(args[1])
            case "claim_positions":
                self._change(name, lambda: self._claim(args))
            case "insert_audit_links":
                self._change(name, lambda: self._database.tables.insert_links(list(zip(*args, strict=True))))
            case "skip_positions":
                raise AssertionError("nothing is ever removed from the log of a simulation")
            case _:
                self._change(name, lambda: self._database.tables.write(name, args))

    async def fetch(self, text: str, *args: Any) -> list[dict[str, Any]]:
        await self._reach()
        if _NAME_OF_TEXT[text] == "audit_heads":
            return self._database.tables.audit_heads(*args)
        assert _NAME_OF_TEXT[text] == "read_positions"
        known = self._database.tables.next
        return [
            {"topic": topic, "partition": partition, "next": known[topic, partition]}
            for topic, partition in zip(args[0], args[1], strict=True)
        ]

    async def fetchval(self, text: str, *args: Any) -> int | bool | str:
        if "planned_zone_data" in text:
            return tzdata_version()
        if _NAME_OF_TEXT.get(text) != "advance_positions":
            return True  # the month's table is there
        await self._reach()
        known = self._database.tables.next
        moves = list(zip(*args, strict=True))
        moved = [(topic, partition, to) for topic, partition, at, to in moves if known.get((topic, partition)) == at]
        self._change(
            "advance_positions", lambda: known.update({(topic, partition): to for topic, partition, to in moved})
        )
        return len(moved)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        self._changes, self._statements = [], set()
        try:
            yield
            await self._commit(self._changes)
        finally:
            self._changes = None
            if not self._broken:
                self._database.release(self)

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - as asyncpg names it
        self.break_off()

    def break_off(self) -> None:
        """The session ends, and with it what was not committed."""
        self._broken = True
        if self in self._database.connections:
            self._database.connections.remove(self)
        self._database.release(self)

    async def _commit(self, changes: Sequence[Change]) -> None:
        network = self._database.network
        await self._reach()
        if network.happens("crash_at_commit"):
            await network.crash(self.process, "before a database commit")
        for change in changes:
            change()
        network.trace.counts["database commits"] += 1
        commit = DatabaseCommit(network.loop.time(), self.process.name, frozenset(self._statements))
        self._database.commits.append(commit)
        if network.happens("crash_at_commit"):
            await network.crash(self.process, "after a database commit")
        if network.happens("database"):
            network.trace.count("database commit without an answer")
            await self._fail()
        await network.latency()

    async def _reach(self) -> None:
        if self._broken:
            raise asyncpg.ConnectionDoesNotExistError("the session has ended")
        network = self._database.network
        await network.latency()
        if network.happens("database"):
            network.trace.count("database session broken")
            await self._fail()

    async def _fail(self) -> None:
        self.break_off()
        await asyncio.sleep(self._database.network.random.uniform(*TIMEOUT_S))
        raise asyncpg.ConnectionDoesNotExistError("told to")

    async def _lock(self, partitions: Sequence[int]) -> None:
        database = self._database
        for partition in sorted(partitions):
            while database.holders.get(partition, self) is not self:
                waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                database.waiters.append(waiter)
                await waiter
            if self._broken:
                raise asyncpg.ConnectionDoesNotExistError("the session has ended")
            database.holders[partition] = self

    def _claim(self, args: Sequence[Any]) -> None:
        for topic, partition, start in zip(*args, strict=True):
            self._database.tables.next.setdefault((topic, partition), start)

    def _change(self, statement_name: str, change: Change) -> None:
        if self._changes is None:
            change()
        else:
            self._changes.append(change)
            self._statements.add(statement_name)


class SimProjector(Projector):
    """The projector, connected to the simulated database. `database` and `process` are set once it is made."""

    database: Database
    process: Process

    async def _connected(self, membership: Membership, stop: asyncio.Event) -> None:
        connection = await self.database.connect(self.process)
        reader = self.log.reader()
        try:
            while not stop.is_set():
                await self._apply_share(membership, cast("asyncpg.Connection", connection), reader, stop)
        finally:
            await reader.close()
            await connection.close(timeout=2)
