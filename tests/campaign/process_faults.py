"""Faults of the services' own processes: killed, frozen, replaced, crowded, usurped, cut off, with a wrong clock."""

import asyncio
import mmap
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from horolog.adapters.system import SystemClock
from tests.campaign import kernel
from tests.campaign.collecting import value
from tests.campaign.forwarder import Harm
from tests.campaign.proof import Proof, awaited, hold
from tests.campaign.services import EACH, ROLES, Dress, Place, waited
from tests.campaign.system import System
from tests.campaign.usurper import NAME as USURPER

Inject = Callable[[System, Random], Proof]
NS = 1_000_000_000
CLOCK_BYTES = 16
WRONG_COUNT_MIN = 20
"""A ticker whose clock is behind has nothing to do, and seldom looks."""
START_S_MAX = 40.0
OWNERS = ("ticker", "dispatcher")
VICTIM = 0
"""The place of a role that is dressed for a fault before the load begins."""


def kill(role: str) -> Inject:
    """kill -9 of one process; another takes its place a few seconds later."""

    def inject(system: System, random: Random) -> Proof:
        place = (role, random.randrange(EACH))
        codes = system.services.kill([place])
        hold(random.uniform(2, 8))
        system.services.start(place)
        return Proof(codes == [-signal.SIGKILL], f"{role} ended by signal {-codes[0]}")

    return inject


def kill_all(*roles: str) -> Inject:
    """kill -9 of every process of these roles at once."""

    def inject(system: System, random: Random) -> Proof:
        places = [(role, number) for role in roles for number in range(EACH)]
        killed_s = _now_s()
        codes = system.services.kill(places)
        hold(random.uniform(3, 8))
        outage = (killed_s, _now_s()) if set(OWNERS) <= set(roles) else (0.0, 0.0)
        for place in places:
            system.services.start(place)
        return Proof(set(codes) == {-signal.SIGKILL}, f"{len(codes)} ended by signal 9", outage=outage)

    return inject


def _now_s() -> float:
    return SystemClock().now().timestamp()


def freeze(role: str, seconds: float) -> Inject:
    """SIGSTOP for longer than its session or lease, then SIGCONT: a zombie wakes up."""

    def inject(system: System, random: Random) -> Proof:
        place = (role, random.randrange(EACH))
        process = system.services.running[place]
        system.services.freeze(place)
        stopped = awaited(lambda: kernel.state_of(process.pid) == "T", START_S_MAX)
        try:
            hold(seconds * random.uniform(1.0, 1.4))
            still = kernel.state_of(process.pid)
        finally:
            system.services.thaw(place)
        return Proof(stopped and still == "T", f"{role} in state {still} to the end")

    return inject


def roll(system: System, random: Random) -> Proof:
    """End and replace every process, one after the other."""
    places = [(role, number) for role in ROLES for number in range(EACH)]
    random.shuffle(places)
    codes = []
    for place in places:
        codes.append(system.services.end(place))
        system.services.start(place)
        hold(random.uniform(0.3, 1.0))
    return Proof(set(codes) == {0}, f"{len(codes)} ended with {sorted(set(codes))}")


def crowd(system: System, random: Random) -> Proof:
    """Members join the owners' groups and leave them again, one every second: a storm of rebalances."""
    shares = asyncio.run(_crowd(system, random))
    return Proof(sum(shares) > len(shares) // 2, f"{sum(shares)} of {len(shares)} strangers were given partitions")


async def _crowd(system: System, random: Random) -> list[bool]:
    shares = []
    for number in range(12):
        log = await system.open_log()
        membership = await log.join(random.choice(("ticker", "dispatcher")), f"stranger-{number}")
        try:
            async with asyncio.timeout(START_S_MAX):
                await membership.changed(0)
            shares.append(bool(membership.owned))
            await asyncio.sleep(random.uniform(0.1, 0.8))
        finally:
            await log.close()
    return shares


def usurp(system: System, random: Random) -> Proof:
    """A ticker with the rightful ones' transactional ids takes everything for its own."""
    services = system.services
    usurper = services.spawn([sys.executable, "-m", "tests.campaign.usurper"], "usurper", services.environment)
    query = "select count(*) from partition_owners where owner = $1"
    try:
        reigned = awaited(lambda: bool(asyncio.run(value(system, query, USURPER))), START_S_MAX)
        hold(random.uniform(8, 14))
    finally:
        usurper.terminate()
        code = waited(usurper)
    return Proof(reigned, f"the usurper committed: {reigned}; it ended with {code}")


def confine(role: str, harm: Harm = Harm.NO_ANSWERS) -> Callable[[System, Random], None]:
    """Give one process of the role a network of its own, with one way out, which can do this harm."""

    def dress(system: System, random: Random) -> None:
        kernel.need("unshare", "nsenter", "ip")
        services, place, report = system.services, (role, VICTIM), _report(system)
        report.unlink(missing_ok=True)
        quiet = dict(os.environ)
        holder = services.spawn(["unshare", "--net", "sleep", "infinity"], "namespace", quiet)
        mine = Path("/proc/self/ns/net").readlink()
        if not awaited(lambda: _network_of(holder.pid) not in (None, mine), START_S_MAX):
            raise kernel.NotPossibleHere("network namespaces cannot be made")
        enter = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
        subprocess.run([*enter, "ip", "link", "set", "lo", "up"], check=True)
        ports = [str(port) for port in system.ports]
        argv = [sys.executable, "-m", "tests.campaign.forwarder", str(holder.pid), str(report), harm, *ports]
        _confined[role] = (holder, services.spawn(argv, "forwarder", quiet))
        if not awaited(report.exists, START_S_MAX):
            raise kernel.NotPossibleHere("nothing can be forwarded out of a network namespace")
        services.end(place)
        services.start(place, Dress(prefix=enter))

    return dress


_confined: dict[str, tuple["subprocess.Popen[bytes]", "subprocess.Popen[bytes]"]] = {}


def release() -> None:
    """End the networks of their own, once nobody lives there any more."""
    for processes in _confined.values():
        for process in processes:
            process.kill()
            process.wait()
    _confined.clear()


def cut_off(role: str, seconds: float) -> Inject:
    """Its only link is down: nothing comes in, nothing goes out, and nobody tells either side."""

    def inject(system: System, random: Random) -> Proof:
        holder, _ = _confined[role]
        link = ("nsenter", f"--net=/proc/{holder.pid}/ns/net", "ip", "link", "set", "lo")
        subprocess.run([*link, "down"], check=True)
        try:
            isolated = _is_isolated(holder.pid, system.ports[0])
            hold(seconds * random.uniform(1.0, 1.4))
        finally:
            subprocess.run([*link, "up"], check=True)
        return Proof(isolated, f"{role} could not connect to Kafka: {isolated}")

    return inject


def harm_streams(role: str, seconds: float, what: str) -> Inject:
    """Its way out harms what it carries: swallows it in one direction, delays it, or breaks off; `what` tells of it."""

    def inject(system: System, random: Random) -> Proof:
        _, forwarder = _confined[role]
        forwarder.send_signal(signal.SIGUSR1)
        try:
            hold(seconds * random.uniform(1.0, 1.4))
        finally:
            forwarder.send_signal(signal.SIGUSR2)
        awaited(lambda: _report(system).read_text() not in ("", "0"), 2.0)
        count = int(_report(system).read_text() or 0)
        return Proof(count > 0, f"{role}: {count} {what}")

    return inject


def own_clock(role: str) -> Callable[[System, Random], None]:
    """Start one process of the role with a wall clock that can be shifted."""

    def dress(system: System, random: Random) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise kernel.NotPossibleHere("needs a C compiler")
        library, control = system.folder / "wallclock.so", _clock(system)
        source = Path(__file__).with_name("wallclock.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True)
        control.write_bytes(bytes(CLOCK_BYTES))
        environment = {"LD_PRELOAD": str(library), "WALLCLOCK_FILE": str(control)}
        system.services.end((role, VICTIM))
        system.services.start((role, VICTIM), Dress(environment=environment))

    return dress


def shift_clock(role: str, shift_s: float) -> Inject:
    """Its wall clock jumps, and some seconds later back."""

    def inject(system: System, random: Random) -> Proof:
        with _clock(system).open("r+b") as file, mmap.mmap(file.fileno(), CLOCK_BYTES) as control:
            struct.pack_into("q", control, 0, int(shift_s * NS))
            hold(random.uniform(8, 12))
            struct.pack_into("q", control, 0, 0)
            (count,) = struct.unpack_from("q", control, 8)
        return Proof(count >= WRONG_COUNT_MIN, f"{role} read a wrong time {count} times")

    return inject


def _is_isolated(pid: int, port: int) -> bool:
    connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"
    argv = ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-I", "-S", "-c", connect]
    return subprocess.run(argv, capture_output=True, check=False).returncode != 0


def _network_of(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/ns/net").readlink()
    except OSError:
        return None


def _report(system: System) -> Path:
    return system.folder / "harmed"


def _clock(system: System) -> Path:
    return system.folder / "wallclock"


def everyone(system: System) -> list[Place]:
    """Every place with somebody in it."""
    return list(system.services.running)
