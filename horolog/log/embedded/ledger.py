"""The SQLite file: tables, and what is done to them. Used by one thread at a time.

Guarantee: every method either raises before it has changed anything, or leaves a change that is whole once the
transaction around it is committed. After a rollback `reload` restores what is kept in memory beside the file.
Records lie in one table under `place << 40 | offset`, so that a place is one contiguous range.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from horolog.log.embedded.engine import Fence, expiry_ms, is_compacted, same_count, superseded_kept_ms
from horolog.log.port import Fenced, Outgoing, Place, Record
from schemas.codec import Headers
from schemas.topics import Topic

OFFSET_BITS = 40
OFFSET_MASK = (1 << OFFSET_BITS) - 1
BUSY_MS = 10_000
CACHE_KIB = 16_384
JOURNAL_BYTES_MAX = 64 * 1024 * 1024
SWEEP_CHUNK_COUNT = 2_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, partition_count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    start INTEGER NOT NULL DEFAULT 0, end_least INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, partition));
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, key BLOB NOT NULL, value BLOB, headers BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS writers (
    role TEXT, partition INTEGER, epoch INTEGER NOT NULL, PRIMARY KEY (role, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latest (
    place INTEGER, key BLOB, id INTEGER NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (place, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS superseded (due INTEGER, id INTEGER, PRIMARY KEY (due, id)) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS supersede AFTER UPDATE ON latest BEGIN
    INSERT OR IGNORE INTO superseded VALUES (new.due, old.id); END;
"""
_INSERT_RECORD = ("INSERT INTO records VALUES ", "(?,?,?,?,?)", "")
_INSERT_LATEST = (
    "INSERT INTO latest VALUES ",
    "(?,?,?,?)",
    " ON CONFLICT (place, key) DO UPDATE SET id = excluded.id, due = excluded.due",
)
_ROW_COUNTS = (256, 64, 16, 4, 1)

Row = tuple[int | bytes | None, ...]


def connect(path: Path) -> sqlite3.Connection:
    """A connection for one thread, whose commits are on the disk when they return."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.executescript(
        f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout={BUSY_MS};"
        f"PRAGMA cache_size=-{CACHE_KIB}; PRAGMA journal_size_limit={JOURNAL_BYTES_MAX};"
    )
    return connection


def encode_headers(headers: Headers) -> bytes:
    """Headers as a flat JSON list; bytes become the characters of the same numbers (Latin-1)."""
    flat: list[str] = []
    for name, value in headers:
        flat.append(name)
        flat.append(value.decode("latin-1"))
    return orjson.dumps(flat)


def decode_headers(encoded: bytes) -> Headers:
    """The inverse of `encode_headers`."""
    flat: list[str] = orjson.loads(encoded)
    return tuple(zip(flat[::2], [value.encode("latin-1") for value in flat[1::2]], strict=True))


class Ledger:
    """The writing side of the file. `published` and `raised` are what a transaction has to show once committed."""

    def __init__(self, path: Path) -> None:
        # What is in the log is nobody else's; SQLite gives the files beside this one the same mode.
        path.touch(mode=0o600)
        self.connection = connect(path)
        self.connection.executescript(_SCHEMA)
        self.published: list[tuple[Place, list[Record]]] = []
        self.raised: dict[Place, int] = {}
        self.starts: dict[Place, int] = {}
        self.ends: dict[Place, int] = {}
        self._ids: dict[Place, int] = {}
        self._epochs: dict[tuple[str, int], int] = {}
        self.reload()

    def reload(self) -> None:
        """Take everything from the file."""
        self.published, self.raised = [], {}
        self._ids, self.starts, self.ends = {}, {}, {}
        rows = self.connection.execute("SELECT id, topic, partition, start, end_least FROM places").fetchall()
        for id_, topic, partition, start, end_least in rows:
            place = Place(topic, partition)
            last = self.connection.execute(
                "SELECT max(id) FROM records WHERE id BETWEEN ? AND ?",
                (id_ << OFFSET_BITS, id_ << OFFSET_BITS | OFFSET_MASK),
            ).fetchone()[0]
            self._ids[place], self.starts[place] = id_, start
            self.ends[place] = end_least if last is None else max(end_least, (last & OFFSET_MASK) + 1)
        epochs = self.connection.execute("SELECT role, partition, epoch FROM writers")
        self._epochs = {(role, partition): epoch for role, partition, epoch in epochs}

    def append(self, batches: Sequence[tuple[Place, Sequence[Outgoing]]], fence: Fence | None, at: int) -> None:
        """Write records, batch after batch.

        Raises:
            Fenced: there is a newer epoch.
        """
        if fence is not None and self._epochs.get((fence.role, fence.partition)) != fence.epoch:
            raise Fenced(f"{fence.role}/{fence.partition} has a newer writer than epoch {fence.epoch}")
        rows: list[Row] = []
        latest: list[Row] = []
        for place, batch in batches:
            id_, end = self._id(place), self.ends[place]
            base = id_ << OFFSET_BITS | end
            rows += [(base + i, at, r.key, r.value, encode_headers(r.headers)) for i, r in enumerate(batch)]
            if is_compacted(place.topic):
                due = at + superseded_kept_ms(place.topic)
                latest += [(id_, r.key, base + i, due) for i, r in enumerate(batch)]
                self._let_expire([(due, base + i) for i, r in enumerate(batch) if r.value is None])
            topic, partition = place
            written = [Record(topic, partition, end + i, r.key, r.value, r.headers, at) for i, r in enumerate(batch)]
            self.ends[place] = end + len(batch)
            self.published.append((place, written))
        self._insert(_INSERT_RECORD, rows)
        self._insert(_INSERT_LATEST, latest)

    def _insert(self, statement: tuple[str, str, str], rows: list[Row]) -> None:
        # Many rows in one statement: `executemany` would let go of the interpreter lock at every row, and wait
        # for it as often while the event loop is busy.
        head, row, end = statement
        index = 0
        for count in _ROW_COUNTS:
            sql = head + ",".join([row] * count) + end
            while len(rows) - index >= count:
                flat = [value for one in rows[index : index + count] for value in one]
                self.connection.execute(sql, flat)
                index += count

    def _let_expire(self, tombstones: Sequence[tuple[int, int]]) -> None:
        self.connection.executemany("INSERT OR IGNORE INTO superseded VALUES (?, ?)", tombstones)

    def _id(self, place: Place) -> int:
        id_ = self._ids.get(place)
        if id_ is None:
            cursor = self.connection.execute("INSERT INTO places (topic, partition) VALUES (?, ?)", place)
            assert cursor.lastrowid is not None
            id_ = self._ids[place] = cursor.lastrowid
            self.ends[place] = self.starts[place] = 0
        return id_

    def raise_epoch(self, role: str, partition: int) -> int:
        """Begin a new epoch."""
        epoch = self._epochs.get((role, partition), 0) + 1
        self.connection.execute("INSERT OR REPLACE INTO writers VALUES (?, ?, ?)", (role, partition, epoch))
        self._epochs[role, partition] = epoch
        return epoch

    def create_topics(self, topics: Sequence[Topic], partition_count: int) -> list[str]:
        """Remember topics; returns the new ones' names.

        Raises:
            LogError: one exists with another number of partitions.
        """
        known = dict(self.connection.execute("SELECT name, partition_count FROM topics").fetchall())
        for topic in topics:
            same_count(topic.name, known.get(topic.name, partition_count), partition_count)
        created = [topic.name for topic in topics if topic.name not in known]
        self.connection.executemany("INSERT INTO topics VALUES (?, ?)", [(name, partition_count) for name in created])
        return created

    def expire(self, now_ms: int) -> int:
        """Remove one chunk of records that are too old; returns how many."""
        for place, id_ in self._ids.items():
            expiry = expiry_ms(place.topic, now_ms)
            if expiry is not None and (count := self._expire(place, id_, expiry)):
                return count
        return 0

    def _expire(self, place: Place, id_: int, expiry: int) -> int:
        first = id_ << OFFSET_BITS | self.starts[place]
        last = id_ << OFFSET_BITS | OFFSET_MASK
        bounds = (first, last, SWEEP_CHUNK_COUNT)
        rows = self.connection.execute(
            "SELECT id, at FROM records WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?", bounds
        )
        dead = list(_until(expiry, rows))
        if dead:
            self.connection.execute("DELETE FROM records WHERE id BETWEEN ? AND ?", (first, dead[-1]))
            self.starts[place] = self.raised[place] = (dead[-1] & OFFSET_MASK) + 1
            self.connection.execute(
                "UPDATE places SET start = ?, end_least = ? WHERE id = ?",
                (self.starts[place], self.ends[place], id_),
            )
        return len(dead)

    def compact(self, now_ms: int) -> int:
        """Remove one chunk of superseded records; returns how many were looked at."""
        due = self.connection.execute(
            "SELECT s.due, s.id, r.key, r.value IS NULL FROM superseded s LEFT JOIN records r ON r.id = s.id"
            " WHERE s.due < ? ORDER BY s.due LIMIT ?",
            (now_ms, SWEEP_CHUNK_COUNT),
        ).fetchall()
        tombstones = [(id_ >> OFFSET_BITS, key, id_) for _, id_, key, is_tombstone in due if is_tombstone]
        self.connection.executemany(
            "DELETE FROM latest WHERE place = ? AND key = ? AND id = ?",
            [row for row in tombstones if row[1] is not None],
        )
        self.connection.executemany("DELETE FROM records WHERE id = ?", [(row[1],) for row in due])
        self.connection.executemany(
            "DELETE FROM superseded WHERE due = ? AND id = ?", [(row[0], row[1]) for row in due]
        )
        places = {place for place, id_ in self._ids.items() if any(row[1] >> OFFSET_BITS == id_ for row in due)}
        # The end must not fall back when the last record of a place was a tombstone that is gone now.
        self.connection.executemany(
            "UPDATE places SET end_least = ? WHERE id = ?", [(self.ends[p], self._ids[p]) for p in places]
        )
        return len(due)


def _until(expiry: int, rows: sqlite3.Cursor) -> Iterator[int]:
    for id_, at in rows:
        if at >= expiry:
            return
        yield id_


def by_place(records: Sequence[Outgoing]) -> list[tuple[Place, Sequence[Outgoing]]]:
    """Records grouped by place, each group in the given order."""
    batches: dict[Place, list[Outgoing]] = defaultdict(list)
    for record in records:
        batches[Place(record.topic, record.partition)].append(record)
    return list(batches.items())
