"""Faults that kill nobody: too little of the processor, a slow disk or one that fails once, sessions that end, a pause.

The disk is PostgreSQL's: strace(1) holds its calls for syncing up, or has one of them fail.
"""

import asyncio
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import redis

from horolog.adapters.servers.process import Identity
from horolog.adapters.system import SystemClock
from tests.campaign import kernel
from tests.campaign.collecting import value
from tests.campaign.process_faults import everyone
from tests.campaign.proof import Proof, awaited, hold
from tests.campaign.server_faults import revive
from tests.campaign.services import EACH, waited
from tests.campaign.system import System

Inject = Callable[[System, Random], Proof]
STOPPED_S, RUNNING_S = 0.18, 0.02
"""A starved process has a tenth of the time."""
DESCRIPTORS_MAX = 3
RETRIED = "select count(*) from job_executions where attempt > 1"
SYNC_DELAY_MS = 300
TRACED_S_MAX = 10.0
PAUSED_S_MAX = 30.0
SESSIONS = """select count(pg_terminate_backend(pid)) from pg_stat_activity
where backend_type = 'client backend' and pid <> pg_backend_pid()"""


def starve(role: str, seconds: float) -> Inject:
    """One process gets a tenth of the time of a processor, in pieces."""

    def inject(system: System, random: Random) -> Proof:
        place = (role, random.randrange(EACH))
        pid = system.services.running[place].pid
        until_s = time.monotonic() + seconds * random.uniform(1.0, 1.4)
        pauses = stopped = 0
        try:
            while time.monotonic() < until_s:
                system.services.freeze(place)
                hold(STOPPED_S)
                pauses, stopped = pauses + 1, stopped + (kernel.state_of(pid) == "T")
                system.services.thaw(place)
                hold(RUNNING_S)
        finally:
            system.services.thaw(place)
        return Proof(2 * stopped > pauses > 0, f"{role} stood still in {stopped} of {pauses} pieces of time")

    return inject


def few_descriptors(system: System, random: Random) -> Proof:
    """One executor may open nothing more: no connection, no file, no program; what it begins fails, and is retried."""
    pid = system.services.running["executor", random.randrange(EACH)].pid
    before = _retried(system)
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    try:
        # What is open stays open; the lowest number that is free is beyond the limit, wherever that is.
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (DESCRIPTORS_MAX, usual[1]))
        hold(random.uniform(4, 6))
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
    retried = _retried(system) - before
    return Proof(retried > 0, f"{retried} runs had to be begun anew")


def _retried(system: System) -> int:
    count = asyncio.run(value(system, RETRIED))
    assert isinstance(count, int)
    return count


def suspend(system: System, random: Random) -> Proof:
    """Everything stands still, servers included, as on a machine that is suspended; then all goes on at once."""
    pids = [system.services.running[place].pid for place in everyone(system)]
    pids += [system.kafka.child(number).identity.pid for number in range(1, system.nodes + 1)]
    pids += [_identity(system.valkey.identity).pid, *_postgres(system)]
    frozen_s = _now_s()
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        hold(random.uniform(12, 18))
        states = [kernel.state_of(pid) for pid in pids]
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)
    stopped = states.count("T")
    return Proof(stopped == len(pids), f"{stopped} of {len(pids)} processes stood still", outage=(frozen_s, _now_s()))


def cut_sessions(system: System, random: Random) -> Proof:
    """PostgreSQL ends every session of the services, again and again."""
    until_s, count = time.monotonic() + random.uniform(8, 12), 0
    while time.monotonic() < until_s:
        ended = asyncio.run(value(system, SESSIONS))
        assert isinstance(ended, int)
        count += ended
        hold(random.uniform(0.1, 0.6))
    return Proof(count > 0, f"{count} sessions were ended")


def slow_disk(system: System, random: Random) -> Proof:
    """Each time that PostgreSQL syncs a file it takes longer."""
    delay = f"delay_exit={SYNC_DELAY_MS * 1000}"
    count = _syncs_harmed(system, delay, "(DELAYED)", random.uniform(8, 12))
    return Proof(count > 0, f"{count} syncs took {SYNC_DELAY_MS} ms longer")


def failing_disk(system: System, random: Random) -> Proof:
    """The first sync of each of PostgreSQL's processes fails: it cannot know what is on the disk, ends, and recovers.

    Where that happens to the one that recovers, PostgreSQL ends, and is started again.
    """
    log = system.folder / "postgres" / "server.log"
    before = log.read_text().count("PANIC")
    try:
        count = _syncs_harmed(system, "error=EIO:when=1", "(INJECTED)", random.uniform(3, 5))
    finally:
        said = revive(system, "postgres")
    panics = log.read_text().count("PANIC") - before
    return Proof(count > 0 < panics, f"{count} syncs failed, and PostgreSQL panicked {panics} times; {said}")


def _syncs_harmed(system: System, harm: str, mark: str, seconds: float) -> int:
    """How many syncs of PostgreSQL's processes, those that begin meanwhile included, were harmed in this time."""
    kernel.need("strace")
    report = system.folder / "syncs"
    pids = [argument for pid in _postgres(system) for argument in ("-p", str(pid))]
    calls = "fsync,fdatasync"
    argv = ["strace", "-f", "-q", "-e", f"trace={calls}", "-e", f"inject={calls}:{harm}", "-o", str(report), *pids]
    tracer = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not awaited(report.exists, TRACED_S_MAX):
            raise kernel.NotPossibleHere("PostgreSQL cannot be traced")
        hold(seconds)
    finally:
        # It lets go of whom it traces, and ends.
        tracer.terminate()
        waited(tracer)
    return report.read_text().count(mark)


def slow_valkey(system: System, random: Random) -> Proof:
    """Valkey keeps everybody waiting for some seconds, twice."""
    longest_s = 0.0
    with redis.Redis.from_url(system.redis_url, socket_timeout=PAUSED_S_MAX) as client:
        for _ in range(2):
            client.execute_command("CLIENT", "PAUSE", str(int(random.uniform(3_000, 5_000))), "ALL")
            asked_s = time.monotonic()
            client.ping()
            longest_s = max(longest_s, time.monotonic() - asked_s)
    return Proof(longest_s > 1, f"Valkey took {longest_s:.1f} s to answer")


def _postgres(system: System) -> Sequence[int]:
    """The database's first process, and every other of its."""
    pid = _identity(system.postgres.identity).pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def _identity(identity: Identity | None) -> Identity:
    assert identity is not None
    return identity


def _now_s() -> float:
    return SystemClock().now().timestamp()
