"""Who descends from whom, read from /proc (proc(5)).

A process cannot leave the spawner's tree, since the spawner adopts orphans; but it can leave its session. Every
process of one attempt carries a mark in its environment. An adopted process whose environment has no mark (it was
cleared) is counted to whichever attempt ends next: rather one killed too early than one that runs for ever.
"""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

MARK = "HOROLOG_PROCESS_TREE"


def living_pids() -> list[int]:
    """Every process that there is."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def pids_since(first: int) -> list[int]:
    """The processes whose id was given out after `first`, provided that ids wrapped around once at most."""
    with open("/proc/loadavg", "rb") as file:
        last = int(file.read().split()[-1])
    if last >= first:
        return [pid for pid in living_pids() if pid > first]
    return [pid for pid in living_pids() if pid > first or pid <= last]


@dataclass(frozen=True, slots=True)
class Rest:
    """What one look at /proc found of a tree. Only a settled look that found nothing proves that nothing is there."""

    pids: list[int]
    is_settled: bool

    @property
    def is_gone(self) -> bool:
        """Whether nothing of the tree is left."""
        return self.is_settled and not self.pids


def adopted(pids: Iterable[int], reaper: int, own: Mapping[int, object], mark: str) -> Rest:
    """Of `pids`: orphans that `reaper` adopted and that are, or may be, marked `mark`; and what descends of them.

    Listing processes and reading what they are takes two steps. One that forks and exits in between hides its child,
    which was not there to be listed; so a look is settled only if no process that may be of the tree ended during it.
    """
    parents: dict[int, int] = {}
    is_settled = True
    for pid in pids:
        seen = _state_and_parent(pid)
        if seen is None:
            is_settled = False
        elif not seen[0]:
            is_settled = is_settled and (seen[1] != reaper or pid in own)
        else:
            parents[pid] = seen[1]
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    orphans = [pid for pid in children.get(reaper, ()) if pid not in own and may_be_marked(pid, mark)]
    return Rest(list(_with_descendants(orphans, children)), is_settled)


def may_be_marked(pid: int, mark: str) -> bool:
    """Whether the process carries this mark, or none at all."""
    environment = _environment(pid)
    return f"{MARK}={mark}".encode() in environment or not any(
        variable.startswith(f"{MARK}=".encode()) for variable in environment
    )


def kill_marked(prefix: str) -> int:
    """Kill every process whose mark begins with `prefix`; returns how many there were."""
    wanted = f"{MARK}={prefix}".encode()
    found = [pid for pid in living_pids() if any(text.startswith(wanted) for text in _environment(pid))]
    kill_all(found)
    return len(found)


def kill_all(pids: Iterable[int]) -> None:
    """SIGKILL to each; one that is gone already is fine."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _with_descendants(roots: Iterable[int], children: Mapping[int, list[int]]) -> Iterator[int]:
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting.extend(children.get(pid, ()))


def _state_and_parent(pid: int) -> tuple[bool, int] | None:
    """Whether a process is alive, rather than dead and waiting to be reaped, and its parent; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may itself hold spaces and parentheses.
            state, parent = file.read().rpartition(b")")[2].split(maxsplit=2)[:2]
    except OSError:
        return None
    return state not in (b"Z", b"X"), int(parent)


def _environment(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []
