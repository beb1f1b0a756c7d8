"""CPU time and resident memory of process trees, read from proc(5).

Guarantee: children count, also those that have ended and were waited for. CPU times come in ticks of 10 ms, so only
differences over seconds mean anything. PSS shares a page among those that map it, so it may be added up; RSS may not.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """One living process; `cpu_ms` includes its children that have ended."""

    pid: int
    parent: int
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in MiB, and in how many processes."""

    rss_mb: float
    pss_mb: float
    process_count: int


def snapshot() -> dict[int, Process]:
    """Every process of the machine by its id."""
    found = {}
    for entry in os.listdir("/proc"):
        process = _read(int(entry)) if entry.isdigit() else None
        if process is not None:
            found[process.pid] = process
    return found


def family(pid: int, processes: Mapping[int, Process]) -> list[int]:
    """The process and its descendants, itself first."""
    members = [pid] if pid in processes else []
    for member in members:
        members.extend(child.pid for child in processes.values() if child.parent == member)
    return members


def memory_of(pids: Iterable[int]) -> Memory:
    """What the processes hold together; one that has just ended holds nothing."""
    rss, pss, count = 0, 0, 0
    for pid in pids:
        sizes = dict(_sizes(pid))
        rss, pss, count = rss + sizes.get("Rss", 0), pss + sizes.get("Pss", 0), count + bool(sizes)
    return Memory(rss / 1024, pss / 1024, count)


def _read(pid: int) -> Process | None:
    try:
        # The command name may hold spaces and parentheses: count fields after its last one.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Process(pid, int(fields[1]), sum(int(value) for value in fields[11:15]) * _TICK_MS)


def _sizes(pid: int) -> Iterator[tuple[str, int]]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return
    for line in lines[1:]:
        name, _, size = line.partition(":")
        yield name, int(size.split()[0])
