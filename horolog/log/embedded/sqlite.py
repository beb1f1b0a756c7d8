"""Records in one SQLite file, written by one thread with group commit, and read back by others.

Guarantee: whatever is waiting when the thread becomes free is written in one transaction, and each caller hears of its
own part when that is on the disk. A part that fails takes no other with it: the group is then written one by one.
"""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from horolog.log.embedded.engine import ColdRead, Fence, is_compacted
from horolog.log.embedded.ledger import (
    OFFSET_BITS,
    OFFSET_MASK,
    Ledger,
    by_place,
    connect,
    decode_headers,
)
from horolog.log.embedded.tail import Tails
from horolog.log.port import CommitUnknown, LogError, LogUnavailable, Outgoing, Place, Record
from horolog.ports import Clock
from schemas.topics import Topic

GROUP_COUNT_MAX = 512
READER_THREAD_COUNT = 2
SWEEP_CHUNKS_MAX = 200

T = TypeVar("T")


@dataclass(slots=True)
class _Job:
    """A change to the ledger, and who waits for it."""

    run: Callable[[Ledger], Any]
    future: asyncio.Future[Any]
    outcome: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        """Tell who waits; it may have stopped waiting."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.outcome)
        else:
            self.future.set_exception(self.error)


class SqliteEngine:
    """Implements `Engine` on a file that this process alone may use."""

    def __init__(self, path: Path, tails: Tails, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path.with_name(path.name + ".lock"))
        self._tails = tails
        self._clock = clock
        try:
            self._ledger = Ledger(path)
        except sqlite3.Error as error:
            os.close(self._lock)
            raise LogError(f"{path} cannot be used as a log: {error}") from error
        for place, start in self._ledger.starts.items():
            tails.restore(place, start, self._ledger.ends[place])
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._current: list[_Job] = []
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)
        self._thread.start()
        self._cold = _ColdStore(path)

    async def write(self, records: Sequence[Outgoing], fence: Fence | None) -> None:
        at = int(self._clock.now().timestamp() * 1000)
        batches = by_place(records)
        try:
            await self._do(lambda ledger: ledger.append(batches, fence, at))
        except sqlite3.Error as error:
            failure = CommitUnknown if fence is not None else LogUnavailable
            raise failure(f"the file could not be written: {error}") from error

    async def raise_epoch(self, role: str, partition: int) -> int:
        return await self._change(lambda ledger: ledger.raise_epoch(role, partition))

    async def create_topics(self, topics: Sequence[Topic], partition_count: int) -> Sequence[str]:
        return await self._change(lambda ledger: ledger.create_topics(topics, partition_count))

    async def sweep(self, now_ms: int) -> int:
        removed = 0
        for chunk in (Ledger.expire, Ledger.compact):
            for _ in range(SWEEP_CHUNKS_MAX):
                count = await self._change(partial(_run_chunk, chunk, now_ms))
                removed += count
                if not count:
                    break
        return removed

    async def read(self, place: Place, position: int, count_max: int) -> ColdRead:
        end = self._tails[place].end
        return await self._cold.run(lambda c: _read(c, place, range(position, end), count_max))

    async def latest(self, place: Place, key: bytes) -> Record | None:
        found = None if is_compacted(place.topic) else self._tails[place].find_last(key)
        return found or await self._cold.run(lambda c: _latest(c, place, key))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        await self._cold.close()
        os.close(self._lock)

    async def _change(self, run: Callable[[Ledger], T]) -> T:
        try:
            return await self._do(run)
        except sqlite3.Error as error:
            raise LogUnavailable(f"the file could not be written: {error}") from error

    def _do(self, run: Callable[[Ledger], T]) -> asyncio.Future[T]:
        if self._closed or not self._thread.is_alive():
            raise LogUnavailable("the log is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(run, future))
        return future

    def _work(self) -> None:
        stopping = False
        try:
            while not stopping:
                group = self._next_group()
                stopping = group[-1] is None
                self._run([job for job in group if job is not None])
        finally:
            self._ledger.connection.close()
            self._refuse_rest()

    def _next_group(self) -> list[_Job | None]:
        """Wait for a job, and take along what has queued up behind it; None ends the work."""
        group = [self._jobs.get()]
        with contextlib.suppress(Empty):
            while len(group) < GROUP_COUNT_MAX and group[-1] is not None:
                group.append(self._jobs.get_nowait())
        return group

    def _run(self, group: list[_Job]) -> None:
        if not group:
            return
        self._current = group
        try:
            self._transact(group)
        except sqlite3.Error as error:
            self._roll_back()
            if len(group) > 1:
                for job in group:
                    self._run([job])
                return
            group[0].outcome, group[0].error = None, error
        published, self._ledger.published = self._ledger.published, []
        raised, self._ledger.raised = self._ledger.raised, {}
        self._current = []
        _hand_over(group[0].future, self._show, published, raised, group)

    def _transact(self, group: list[_Job]) -> None:
        self._ledger.connection.execute("BEGIN IMMEDIATE")
        for job in group:
            try:
                job.outcome = job.run(self._ledger)
            except LogError as error:
                job.error = error
        self._ledger.connection.execute("COMMIT")

    def _roll_back(self) -> None:
        if self._ledger.connection.in_transaction:
            self._ledger.connection.execute("ROLLBACK")
        self._ledger.reload()

    def _show(
        self,
        published: list[tuple[Place, list[Record]]],
        raised: dict[Place, int],
        group: list[_Job],
    ) -> None:
        for place, records in published:
            self._tails.publish(place, records)
        for place, start in raised.items():
            self._tails.raise_start(place, start)
        for job in group:
            job.settle()

    def _refuse_rest(self) -> None:
        for job in self._current:
            job.error = sqlite3.OperationalError("the writer thread has ended")
            _hand_over(job.future, job.settle)
        while not self._jobs.empty():
            waiting = self._jobs.get()
            if waiting is not None:
                waiting.error = LogUnavailable("the log is closed")
                _hand_over(waiting.future, waiting.settle)


class _ColdStore:
    """Reads the file off the event loop, in a few threads with a connection each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._executor = ThreadPoolExecutor(READER_THREAD_COUNT, "log-reader")

    async def run(self, read: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, lambda: read(self._connection()))
        except sqlite3.Error as error:
            raise LogUnavailable(f"the file could not be read: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path)
            self._connections.append(connection)
        return connection

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)
        for connection in self._connections:
            connection.close()


def _run_chunk(chunk: Callable[[Ledger, int], int], now_ms: int, ledger: Ledger) -> int:
    return chunk(ledger, now_ms)


def _hand_over(future: asyncio.Future[Any], call: Callable[..., None], *arguments: object) -> None:
    loop = future.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, *arguments)


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise LogError(f"the log {path.with_suffix('')} is in use by another process (pid {owner})") from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _read(connection: sqlite3.Connection, place: Place, wanted: range, count_max: int) -> ColdRead:
    connection.execute("BEGIN")
    try:
        # One snapshot: had the start been raised past the position, the rows would silently begin later.
        id_, start = connection.execute(
            "SELECT id, start FROM places WHERE topic = ? AND partition = ?", place
        ).fetchone() or (0, 0)
        base = id_ << OFFSET_BITS
        rows = connection.execute(
            "SELECT id, key, value, headers, at FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (base | wanted.start, base | wanted.stop, count_max),
        ).fetchall()
    finally:
        connection.execute("COMMIT")
    records = [_record(place, row) for row in rows]
    position = records[-1].offset + 1 if len(records) == count_max else wanted.stop
    return ColdRead(records, position, start)


def _latest(connection: sqlite3.Connection, place: Place, key: bytes) -> Record | None:
    found = connection.execute("SELECT id FROM places WHERE topic = ? AND partition = ?", place).fetchone()
    if found is None:
        return None
    columns = "SELECT r.id, r.key, r.value, r.headers, r.at FROM "
    if is_compacted(place.topic):
        sql = columns + "latest l JOIN records r ON r.id = l.id WHERE l.place = ? AND l.key = ?"
        row = connection.execute(sql, (found[0], key)).fetchone()
    else:
        sql = columns + "records r WHERE r.id BETWEEN ? AND ? AND r.key = ? ORDER BY r.id DESC LIMIT 1"
        base = found[0] << OFFSET_BITS
        row = connection.execute(sql, (base, base | OFFSET_MASK, key)).fetchone()
    return None if row is None else _record(place, row)


def _record(place: Place, row: tuple[int, bytes, bytes | None, bytes, int]) -> Record:
    id_, key, value, headers, at = row
    return Record(*place, id_ & OFFSET_MASK, key, value, decode_headers(headers), at)
