"""A trial run: whether programs that are started in some way are really kept apart as its level promises.

Guarantee: a level counts as reached only if a program of ours, started as those of jobs are, ran and could not do what
the level forbids. No version of anything is asked. So it is with bounds: a program of ours asked for more, and did not
get it.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.isolation import Isolation
from services.executor.processes import Ended, Processes, Program

TRIAL_S_MAX = 20.0
TRIAL_MEMORY_MB, TRIAL_TMP_MB, TRIAL_PROCESS_COUNT, TRIAL_CPUS = 48, 8, 8, 0.3
"""The bounds to try; of the memory, so much are a container's own files."""
_ANSWER_BYTES_MAX = 16_384
_BARE = ("-I", "-S", "-c")
_FUNCTION_HOST = "services.executor.function_host"
_KILLED_STATUS = 137
_FIRST_AND_PROGRAM_COUNT = 2
_VARIABLES = {"PATH", "HOME", "TMPDIR", "HOROLOG_PROCESS_TREE", "TRIAL_RUN", "LC_CTYPE"}
"""The last one Python sets for itself (PEP 538)."""
_PROGRAM = """
import json, os
def can_make(path):
    try:
        os.mkdir(path)
    except OSError:
        return False
    os.rmdir(path)
    return True
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "uid": os.getuid(),
    "groups": os.getgroups(),
    "capabilities": int(status["CapEff"], 16),
    "no_new_privileges": int(status["NoNewPrivs"]),
    "has_filter": status["Seccomp"].strip() == "2",
    "pids": [int(name) for name in os.listdir("/proc") if name.isdigit()],
    "is_tmp_own": os.path.isdir("/job")
    and (os.stat("/tmp").st_dev == os.stat("/job").st_dev or all(map(os.path.ismount, ("/tmp", "/job")))),
    "has_route": len(open("/proc/net/route").readlines()) > 1,
    "is_told": os.environ.get("TRIAL_RUN") == "a = b",
    "writable": [path for path in ("/", "/usr", "/etc") if can_make(os.path.join(path, ".horolog-trial"))],
    "home": can_make(os.path.join(os.environ["HOME"], "trial")),
    "variables": sorted(os.environ),
}))
"""
_WORK_S_MIN = 0.08
"""The work takes 0.06 s of a core: 0.13 s at least by the bound to try, and longer on a busy machine."""
_GREEDY = """
import json, mmap, os, sys, time
def started():
    pids = []
    try:
        while len(pids) < 16:
            pid = os.fork()
            if not pid:
                time.sleep(60)
                os._exit(0)
            pids.append(pid)
    except OSError:
        pass
    for pid in pids:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return len(pids)
def work():
    begun, worked = time.monotonic(), time.process_time()
    while time.process_time() - worked < 0.06:
        pass
    return time.monotonic() - begun
took = {"count": started() if "processes" in sys.argv else 0, "work_s": work() if "cpu" in sys.argv else 0}
print(json.dumps(took), flush=True)
if "memory" in sys.argv:
    block = mmap.mmap(-1, 96 << 20)
    for place in range(0, len(block), 4096):
        block[place] = 1
"""
"""What it takes in the end is shared memory, which no limit of a process counts."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to start programs: what level it is to reach, and of which accounts each has its own, if any."""

    level: Isolation
    accounts: range = range(0)

    @property
    def has_accounts(self) -> bool:
        """Whether each program has an account of its own."""
        return len(self.accounts) > 0

    def program(self, words: Sequence[str], limits: Mapping[str, int]) -> Program:
        """Python with these words, and no more of the executor than it needs; in a container, that of the image."""
        is_contained = self.level is Isolation.CONTAINER
        return Program(
            ("python3" if is_contained else sys.executable, *words),
            {"TRIAL_RUN": "a = b", **({} if is_contained else {"PATH": os.defpath})},
            limits=limits,
            has_network=not is_contained,
            name="trial",
        )

    def __str__(self) -> str:
        if self.level is Isolation.CONTAINER and not self.has_accounts:
            return f"{self.level}, with nobody's account"
        return f"{self.level}, with {'accounts of their own' if self.has_accounts else 'the account of the executor'}"


class TrialFailed(Exception):
    """A trial run did not come to its end, and why."""


async def shortcoming(processes: Processes, way: Way, limits: Mapping[str, int]) -> str | None:
    """What is wrong with starting programs this way; None when all that it promises was seen to hold."""
    answer = ""
    try:
        end, answer = await _run(processes, way.program((*_BARE, _PROGRAM), limits))
        if end.exit_code:
            return f"a trial run failed: {answer.strip()[-300:]}"
        broken = _broken_promise(json.loads(answer), way)
        if broken is None and way.level is Isolation.CONTAINER:
            end, answer = await _run(processes, way.program(("-P", "-c", f"import {_FUNCTION_HOST}"), limits))
            return f"the first image cannot run functions: {answer.strip()[-300:]}" if end.exit_code else None
    except TrialFailed as failure:
        return str(failure)
    except ValueError:
        return f"a trial run said what it should not: {answer.strip()[-300:]}"
    return broken


async def bound_shortcoming(processes: Processes, way: Way, resources: Iterable[str]) -> str | None:
    """What is wrong with how programs are bounded, of `resources`; None when each was seen to hold.

    `processes` starts programs with the bounds `TRIAL_…`.
    """
    resources, answer = set(resources), ""
    try:
        end, answer = await _run(processes, way.program((*_BARE, _GREEDY, *sorted(resources)), {"CORE": 0}))
        took = json.loads(answer)
    except TrialFailed as failure:
        return str(failure)
    except ValueError:
        return f"a trial run failed: {answer.strip()[-300:]}"
    broken = {
        "programs can start processes without end": "processes" in resources and took["count"] > TRIAL_PROCESS_COUNT,
        "programs can use the cores without end": "cpu" in resources and took["work_s"] < _WORK_S_MIN,
        "programs can take memory without end": "memory" in resources and not _was_killed(end),
    }
    return next((what for what, is_broken in broken.items() if is_broken), None)


def _was_killed(end: Ended) -> bool:
    """Whether it was ended by the kernel; an engine tells of that by a status alone."""
    return end.is_out_of_memory or end.exit_code == _KILLED_STATUS


async def _run(processes: Processes, program: Program) -> tuple[Ended, str]:
    """How a program of ours ended, and what it wrote."""
    ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
    # A file, since a pipe could be full; it is ours, and may be written to although its owner is another.
    answer_fd = os.memfd_create("trial", os.MFD_CLOEXEC)
    try:
        try:
            stop = processes.start(program, (answer_fd, answer_fd), ended.set_result)
        except OSError as error:
            raise TrialFailed(str(error)) from error
        try:
            end = await asyncio.wait_for(asyncio.shield(ended), TRIAL_S_MAX)
        except TimeoutError:
            stop(0.0)
            raise TrialFailed(f"a trial run did not end within {TRIAL_S_MAX:g} s") from None
        answer = os.pread(answer_fd, _ANSWER_BYTES_MAX, 0).decode(errors="replace")
    finally:
        os.close(answer_fd)
    if end.exit_code is None:
        why = os.strerror(end.problem_errno) if end.problem_errno else answer.strip()[-300:] or "it does not say why"
        raise TrialFailed(f"the step {end.problem} failed: {why}")
    return end, answer


def _broken_promise(seen: Mapping[str, Any], way: Way) -> str | None:
    promises = {
        "programs can gain privileges": seen["no_new_privileges"] != 1,
        "programs have no account of their own": way.has_accounts and seen["uid"] not in way.accounts,
        "programs have groups": way.has_accounts and seen["groups"] not in ([], [seen["uid"]]),
        "programs have privileges": (way.has_accounts or way.level is not Isolation.PROCESS) and seen["capabilities"],
        "programs cannot write to their own directory": not seen["home"],
        "programs are not given their variables": not seen["is_told"],
    }
    if way.level is Isolation.CONTAINER:
        promises |= {"programs run as root": seen["uid"] == 0, "programs have a network": seen["has_route"]}
    else:
        # An image has variables of its own; the executor's cannot be told from them, and the engine is not given any.
        promises["programs are given variables of the executor"] = not set(seen["variables"]) <= _VARIABLES
    if way.level is not Isolation.PROCESS:
        promises |= {
            "programs see processes of others": len(seen["pids"]) > _FIRST_AND_PROGRAM_COUNT,
            "programs can make namespaces": not seen["has_filter"],
            "programs share temporary files with others": not seen["is_tmp_own"],
            "programs can write to the machine's directories": bool(seen["writable"]),
        }
    return next((broken for broken, is_broken in promises.items() if is_broken), None)
