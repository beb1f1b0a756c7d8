"""Faults of what the services stand on (Kafka, PostgreSQL, Valkey: ended, frozen, flushed, full) and of their input."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

import redis

from horolog.adapters.servers.process import Identity, await_end, send
from horolog.adapters.system import SystemClock
from horolog.log.port import Place
from tests.campaign import kernel, load
from tests.campaign.collecting import value
from tests.campaign.process_faults import everyone
from tests.campaign.proof import Proof, awaited, hold
from tests.campaign.services import EACH
from tests.campaign.system import System
from tests.faults.bad_records import (
    OF_A_WORKER,
    REFUSED_BY,
    Letters,
    bad_records,
    expected_letters,
    letters,
    offsets_of,
    place_of,
)

Inject = Callable[[System, Random], Proof]
HERD_COUNT = 1000
HERD_AHEAD = timedelta(seconds=50)
"""A machine with a load besides makes so many jobs in 20 to 40 s."""
LETTERS_S_MAX = 60.0
GONE_S_MAX = 10.0


def kill_broker(system: System, random: Random) -> Proof:
    """kill -9 of one Kafka node, and its restart."""
    number = random.randint(1, system.nodes)
    identity = system.kafka.child(number).identity
    killed_s = _now_s()
    system.kafka.kill_node(number)
    gone = await_end(identity, GONE_S_MAX)
    try:
        hold(random.uniform(5, 10))
    finally:
        system.kafka.restart_node(number)
    outage = (killed_s, _now_s()) if system.nodes == 1 else (0.0, 0.0)
    return Proof(gone, f"node {number} was gone: {gone}", outage=outage)


def freeze_broker(system: System, random: Random) -> Proof:
    """SIGSTOP of one Kafka node past its session, then SIGCONT."""
    number = random.randint(1, system.nodes)
    return _frozen(system.kafka.child(number).identity, f"node {number}", random.uniform(8, 12))


def roll_brokers(system: System, random: Random) -> Proof:
    """Kill and restart every Kafka node in turn."""
    for number in range(1, system.nodes + 1):
        system.kafka.kill_node(number)
        hold(random.uniform(1, 3))
        system.kafka.restart_node(number)
        hold(random.uniform(2, 4))
    return Proof(True, f"{system.nodes} nodes were waited for, and started again")


def kill_postgres(system: System, random: Random) -> Proof:
    """kill -9 of the database's first process; its children follow it."""
    identity = system.postgres.identity
    assert identity is not None
    send(identity, signal.SIGKILL)
    try:
        hold(random.uniform(3, 8))
        gone = not os.path.exists(f"/proc/{identity.pid}/exe")
    finally:
        system.postgres.stop()
        system.postgres.start()
    return Proof(gone, f"the postmaster was gone: {gone}")


def freeze_postgres(system: System, random: Random) -> Proof:
    """SIGSTOP of the database's first process and every other of its, then SIGCONT."""
    identity = system.postgres.identity
    assert identity is not None
    send(identity, signal.SIGSTOP)
    children = [int(pid) for pid in Path(f"/proc/{identity.pid}/task/{identity.pid}/children").read_text().split()]
    for pid in children:
        os.kill(pid, signal.SIGSTOP)
    try:
        return _frozen(identity, f"PostgreSQL with {len(children)} more", random.uniform(5, 9))
    finally:
        for pid in children:
            os.kill(pid, signal.SIGCONT)


def kill_valkey(system: System, random: Random) -> Proof:
    """kill -9 of Valkey; it comes back empty."""
    identity = system.valkey.identity
    assert identity is not None
    send(identity, signal.SIGKILL)
    try:
        hold(random.uniform(3, 6))
        gone = kernel.state_of(identity.pid) in ("", "Z")
    finally:
        system.valkey.stop()
        system.valkey.start()
    return Proof(gone, f"Valkey was gone: {gone}")


def flush_valkey(system: System, random: Random) -> Proof:
    """FLUSHALL again and again, with every connection cut."""
    with redis.Redis.from_url(system.redis_url) as client:
        for _ in range(10):
            client.flushall()
            client.execute_command("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "pubsub")
            client.execute_command("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal")
            hold(random.uniform(0.2, 0.8))
        statistics = client.info("commandstats")
    calls = int(statistics["cmdstat_flushall"]["calls"])
    return Proof(calls >= 10, f"flushed {calls} times")


def fill_disk(name: str) -> Inject:
    """No room in the file system of one part; after a while there is room again."""

    def inject(system: System, random: Random) -> Proof:
        folder = system.folder / {"broker": f"kafka/node-{system.nodes}"}.get(name, name)
        filled = kernel.fill(folder)
        try:
            hold(random.uniform(8, 12))
            left = os.statvfs(folder).f_bavail
        finally:
            kernel.relieve(folder)
            said = revive(system, name)
        return Proof(filled > 0, f"{filled >> 20} MiB filled it, {left} blocks were left at the end; {said}")

    return inject


def cut_power(system: System, random: Random) -> Proof:
    """Every process is killed at once, servers included, and everything starts again on its data."""
    postgres, valkey = system.postgres.identity, system.valkey.identity
    assert postgres is not None
    assert valkey is not None
    places, killed_s = everyone(system), _now_s()
    for identity in (postgres, valkey):
        send(identity, signal.SIGKILL)
    codes = system.services.kill(places)
    for number in range(1, system.nodes + 1):
        system.kafka.kill_node(number)
    hold(random.uniform(1, 4))
    for server in (system.kafka, system.postgres, system.valkey):
        server.stop()
        server.start()
    outage = (killed_s, _now_s())
    for place in places:
        system.services.start(place)
    killed = sum(code == -signal.SIGKILL for code in codes)
    what = f"{killed} services, {system.nodes} nodes and two servers were killed"
    return Proof(killed == len(places), what, outage=outage)


def poison(system: System, random: Random) -> Proof:
    """Records that nobody can make use of, of every kind on every topic, in the midst of the tenant's own."""
    expected, found = asyncio.run(_poison(system))
    landed, problem = expected.total() > 0, "" if is_refused(expected, found) else _difference(expected, found)
    return Proof(landed, f"{expected.total()} bad records, {found.total()} dead letters", problem=problem)


async def _poison(system: System) -> tuple[Letters, Letters]:
    log = await system.open_log()
    try:
        before, expected = await letters(log), Letters()
        for topic in REFUSED_BY:
            place = Place(topic.name, await place_of(log, topic))
            start = (await log.ends([place]))[place]
            records = list(bad_records(topic, place.partition, log.partition_count).values())
            await log.append(records)
            offsets = await offsets_of(log, place, records, start)
            expected += expected_letters(topic, place.partition, offsets)
        deadline = time.monotonic() + LETTERS_S_MAX
        while not is_refused(expected, found := await letters(log) - before) and time.monotonic() < deadline:
            await asyncio.sleep(0)
        return expected, found
    finally:
        await log.close()


def is_refused(expected: Letters, found: Letters) -> bool:
    """One letter for each bad record; where workers share an inbox, one from each of them."""
    readers = {topic.name: EACH for topic in OF_A_WORKER}
    return expected.keys() == found.keys() and all(found[key] <= readers.get(key[0], 1) for key in found)


def _difference(expected: Letters, found: Letters) -> str:
    missing, twice = list(expected - found), list(found - expected)
    return f"{len(missing)} letters are missing, as {missing[:1]}; {len(twice)} are too many, as {twice[:1]}"


def herd(system: System, random: Random) -> Proof:
    """A thousand more jobs are due at one and the same second."""
    instant = (SystemClock().now() + HERD_AHEAD).replace(microsecond=0)
    name = f"herd {instant:%H:%M:%S}"
    load.herd(system, name, f"{instant.second} {instant.minute} {instant.hour} * * *", HERD_COUNT)
    created_at = SystemClock().now()
    query = "select count(*) from job_executions where scheduled_at = $1"
    landed = awaited(lambda: asyncio.run(_count(system, query, instant)) >= HERD_COUNT, HERD_AHEAD.total_seconds() * 2)
    in_time = created_at < instant
    return Proof(landed and in_time, f"{HERD_COUNT} jobs due at once: {landed}", name, int(instant.timestamp()))


def _now_s() -> float:
    return SystemClock().now().timestamp()


async def _count(system: System, query: str, *arguments: object) -> int:
    found = await value(system, query, *arguments)
    assert isinstance(found, int)
    return found


def _frozen(identity: Identity, name: str, seconds: float) -> Proof:
    send(identity, signal.SIGSTOP)
    try:
        hold(seconds)
        state = kernel.state_of(identity.pid)
    finally:
        send(identity, signal.SIGCONT)
    return Proof(state == "T", f"{name} in state {state} to the end")


def revive(system: System, name: str) -> str:
    """Start again what ended for want of room."""
    if name == "broker" and not system.kafka.child(system.nodes).alive:
        system.kafka.kill_node(system.nodes)
        system.kafka.restart_node(system.nodes)
        return "the node ended and was started again"
    postgres = system.postgres.identity
    if name == "postgres" and (postgres is None or kernel.state_of(postgres.pid) in ("", "Z")):
        system.postgres.stop()
        system.postgres.start()
        return "PostgreSQL ended and was started again"
    return "it lived on"
