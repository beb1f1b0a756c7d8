"""Who descends from whom, read from /proc (proc(5)).

A process cannot leave the spawner's tree, since the spawner adopts orphans; but it can leave its session. Every
process of one attempt carries a mark in its environment. An adopted process whose environment has no mark (it was
cleared) is counted to whichever attempt ends next: rather one killed too early than one that runs for ever.
"""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator, Mapping

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


def adopted(pids: Iterable[int], reaper: int, own: Mapping[int, object], mark: str) -> list[int]:
    """Of `pids`: orphans that `reaper` adopted and that are, or may be, marked `mark`; and what descends of them."""
    parents = {pid: parent for pid in pids if (parent := _parent(pid)) is not None}
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    orphans = [pid for pid in children.get(reaper, ()) if pid not in own and may_be_marked(pid, mark)]
    return list(_with_descendants(orphans, children))


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


def _parent(pid: int) -> int | None:
    """The parent of a process that is alive; None when it is gone, or dead and only waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may itself hold spaces and parentheses.
            state, parent = file.read().rpartition(b")")[2].split(maxsplit=2)[:2]
    except OSError:
        return None
    return None if state in (b"Z", b"X") else int(parent)


def _environment(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []
