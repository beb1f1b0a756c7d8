"""The log's file as another process sees it: to be read while its owner writes, or after it has ended.

Guarantee: nothing of the log is written, no lock of the owner's is taken, and no page keeps the owner from writing.
Each page is one consistent look at the file; a place whose start was raised past the position is reported, never
skipped silently. A file that nobody has open is read as it lies there: SQLite would otherwise put files beside it,
under whoever's name this process runs. Should its owner come back meanwhile, the page is read again the other way.
Source: SQLite, "Write-Ahead Logging", sections 2.2 (concurrency) and 5 (read-only databases); "URI filenames", 3.3.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from horolog.log.embedded.ledger import OFFSET_BITS, OFFSET_MASK, decode_headers
from horolog.log.port import LogError, LogUnavailable, Place, PositionLost, Record

BUSY_MS = 10_000
LOOK_COUNT_MAX = 10
"""How often the owner may come and go during one look before it is given up."""

T = TypeVar("T")
_Page = tuple[list[Record], int]


class SnapshotLog:
    """The reading side of the log in the file `path`.

    Raises:
        LogError: there is no such file, or it is not a log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        self._stamp: tuple[int, int] | None = None
        try:
            self._connection = self._opened()
            counts = self._look(lambda file: file.execute("SELECT max(partition_count) FROM topics").fetchone())
        except (sqlite3.Error, OSError, LogUnavailable) as error:
            raise LogError(f"{path} cannot be read as a log: {error}") from error
        self._partition_count: int = counts[0] or 0

    @property
    def partition_count(self) -> int:
        """The same for every topic; 0 in a file that has none yet."""
        return self._partition_count

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """The oldest offset still kept, for each place."""
        return self._look(lambda file: {place: _bounds(file, place)[1] for place in places})

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """The position after the last committed record, for each place."""
        return self._look(lambda file: {place: _bounds(file, place)[2] for place in places})

    def reader(self) -> "SnapshotReader":
        """A new reader with nothing assigned."""
        return SnapshotReader(self)

    def page(self, place: Place, position: int, count_max: int) -> _Page:
        """Up to `count_max` records from a position on, and the position after them.

        Raises:
            PositionLost: the place begins after the position by now.
            LogUnavailable: the file cannot be read.
        """
        return self._look(lambda file: _page(file, place, position, count_max))

    async def close(self) -> None:
        """Release the file; idempotent."""
        self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        # An owner has a write-ahead log beside the file for as long as it lives, and leaves it there when it crashes.
        self._stamp = None if self._wal.exists() else self._stamp_now()
        how = "mode=ro" if self._stamp is None else "mode=ro&immutable=1"
        connection = sqlite3.connect(f"file:{quote(str(self._path))}?{how}", uri=True, isolation_level=None)
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        return connection

    def _stamp_now(self) -> tuple[int, int]:
        stat = self._path.stat()
        return stat.st_mtime_ns, stat.st_size

    def _is_trusted(self) -> bool:
        """Whether what was just read cannot have changed during the look."""
        return self._stamp is None or (not self._wal.exists() and self._stamp == self._stamp_now())

    def _look(self, read: Callable[[sqlite3.Connection], T]) -> T:
        failure: sqlite3.Error | None = None
        for _ in range(LOOK_COUNT_MAX):
            try:
                found = _at_once(self._connection, read)
            except sqlite3.Error as error:
                failure = error
                if self._is_trusted():
                    break
            else:
                if self._is_trusted():
                    return found
            self._connection.close()
            self._connection = self._opened()
        raise LogUnavailable(f"the file could not be read: {failure or 'its owner comes and goes'}") from failure


class SnapshotReader:
    """Implements `Reader`, for a caller that reads up to an end it knows: a poll never waits."""

    def __init__(self, log: SnapshotLog) -> None:
        self._log = log
        self._positions: dict[Place, int] = {}
        self._seen_whole: set[Place] = set()
        self._paused: frozenset[Place] = frozenset()

    def assign(self, positions: Mapping[Place, int]) -> None:
        self._positions = {place: self._positions.get(place, start) for place, start in positions.items()}
        self._seen_whole &= positions.keys()

    def pause(self, places: frozenset[Place]) -> None:
        self._paused = places

    async def poll(self, record_count_max: int, timeout_s: float) -> Sequence[Record]:
        await asyncio.sleep(0)
        taken: list[Record] = []
        for place in [place for place in self._positions if place not in self._paused]:
            wanted = record_count_max - len(taken)
            if wanted == 0:
                break
            found, self._positions[place] = self._log.page(place, self._positions[place], wanted)
            taken += found
            if len(found) < wanted:
                self._seen_whole.add(place)
        return taken

    def is_behind(self, place: Place) -> bool:
        return place not in self._seen_whole

    def lag(self, place: Place) -> int:
        return int(self.is_behind(place))

    async def close(self) -> None:
        self.assign({})


def _at_once(connection: sqlite3.Connection, read: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return read(connection)
    finally:
        # What went wrong before says more than that this goes wrong, too.
        with suppress(sqlite3.Error):
            connection.execute("COMMIT")


def _bounds(file: sqlite3.Connection, place: Place) -> tuple[int, int, int]:
    """The place's number, start and end."""
    found = file.execute("SELECT id, start, end_least FROM places WHERE topic = ? AND partition = ?", place).fetchone()
    if found is None:
        return 0, 0, 0
    id_, start, end_least = found
    base = id_ << OFFSET_BITS
    last = file.execute("SELECT max(id) FROM records WHERE id BETWEEN ? AND ?", (base, base | OFFSET_MASK)).fetchone()
    return id_, start, max(end_least, 0 if last[0] is None else (last[0] & OFFSET_MASK) + 1)


def _page(file: sqlite3.Connection, place: Place, position: int, count_max: int) -> _Page:
    id_, start, end = _bounds(file, place)
    if position < start:
        raise PositionLost(place, f"begins at {start}, after {position}")
    base = id_ << OFFSET_BITS
    rows = file.execute(
        "SELECT id, key, value, headers, at FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        (base | position, base | end, count_max),
    ).fetchall()
    records = [
        Record(*place, id_ & OFFSET_MASK, key, value, decode_headers(headers), at)
        for id_, key, value, headers, at in rows
    ]
    return records, records[-1].offset + 1 if len(records) == count_max else max(position, end)
