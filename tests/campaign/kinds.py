"""Every kind of fault that the campaign knows, by name."""

from collections.abc import Iterable

from tests.campaign import process_faults as process
from tests.campaign import server_faults as server
from tests.campaign import strain_faults as strain
from tests.campaign.forwarder import Harm
from tests.campaign.proof import Kind

SESSION_S = 6.0
"""After this long without a heartbeat an owner is taken for dead (the default of SCHEDULER_LOCK_TTL_MS)."""
LEASE_S = 10.0
"""After this long without a beat a worker's attempts are handed out again."""
PAST_SESSION_S = 1.5 * SESSION_S
PAST_LEASE_S = 1.3 * LEASE_S

STRAIN_S = 10.0
"""For so long, and up to half as long again, something is slow."""

_ROLES = ("api", "ticker", "dispatcher", "executor", "projections")
_PATIENCE = {"ticker": PAST_SESSION_S, "dispatcher": PAST_SESSION_S, "executor": PAST_LEASE_S, "projections": 8.0}


def _strained_networks() -> Iterable[Kind]:
    no_requests = process.harm_streams("dispatcher", PAST_SESSION_S, "bytes of requests were lost")
    yield Kind("no-requests-dispatcher", no_requests, process.confine("dispatcher", Harm.NO_REQUESTS))
    for role in ("ticker", "dispatcher", "executor"):
        slow = process.harm_streams(role, STRAIN_S, "bytes were late")
        yield Kind(f"slow-network-{role}", slow, process.confine(role, Harm.DELAY))
    breaking = process.harm_streams("dispatcher", STRAIN_S, "connections were broken")
    yield Kind("breaking-network-dispatcher", breaking, process.confine("dispatcher", Harm.BREAK))


def _all() -> Iterable[Kind]:
    yield from (Kind(f"kill-{role}", process.kill(role)) for role in _ROLES)
    yield Kind("kill-owners", process.kill_all(*process.OWNERS))
    yield Kind("kill-executors", process.kill_all("executor"))
    yield from (Kind(f"freeze-{role}", process.freeze(role, s)) for role, s in _PATIENCE.items())
    for role in ("ticker", "dispatcher", "executor"):
        yield Kind(f"cut-off-{role}", process.cut_off(role, _PATIENCE[role]), process.confine(role))
    for role in ("ticker", "dispatcher"):
        no_answers = process.harm_streams(role, _PATIENCE[role], "bytes of answers were lost")
        yield Kind(f"no-answers-{role}", no_answers, process.confine(role))
    yield from _strained_networks()
    for role, shift_s in (("ticker", 50.0), ("ticker", -50.0), ("dispatcher", 50.0), ("executor", 50.0)):
        name = f"clock-{'ahead' if shift_s > 0 else 'behind'}-{role}"
        yield Kind(name, process.shift_clock(role, shift_s), process.own_clock(role), wall_shift=True)
    yield from (Kind(f"starve-{role}", strain.starve(role, STRAIN_S)) for role in ("ticker", "dispatcher", "executor"))
    yield Kind("few-descriptors-executor", strain.few_descriptors)
    yield Kind("suspend", strain.suspend, load_s=45)
    yield Kind("rolling-restart", process.roll, load_s=40)
    yield Kind("rebalance-storm", process.crowd, load_s=40)
    yield Kind("usurping-ticker", process.usurp, load_s=40)
    yield Kind("kill-postgres", server.kill_postgres)
    yield Kind("freeze-postgres", server.freeze_postgres)
    yield Kind("cut-sessions-postgres", strain.cut_sessions)
    yield Kind("slow-disk-postgres", strain.slow_disk)
    yield Kind("failing-disk-postgres", strain.failing_disk)
    yield Kind("kill-valkey", server.kill_valkey)
    yield Kind("flush-valkey", server.flush_valkey)
    yield Kind("slow-valkey", strain.slow_valkey)
    yield Kind("full-disk-postgres", server.fill_disk("postgres"))
    yield Kind("full-disk-logs", server.fill_disk("logs"))
    yield Kind("poison", server.poison)
    yield Kind("herd", server.herd, load_s=75)
    yield Kind("kill-only-broker", server.kill_broker, load_s=35)
    yield Kind("kill-broker", server.kill_broker, nodes=3, load_s=35)
    yield Kind("freeze-broker", server.freeze_broker, nodes=3)
    yield Kind("roll-brokers", server.roll_brokers, nodes=3, load_s=55)
    yield Kind("full-disk-broker", server.fill_disk("broker"), nodes=3)
    yield Kind("power-cut", server.cut_power, nodes=3, load_s=50)


KINDS = {kind.name: kind for kind in _all()}
ONLY_WHEN_NAMED = frozenset({"cut-off-executor", "freeze-projections", "clock-ahead-dispatcher", "full-disk-logs"})
"""Left out when nobody asks for them: each has a neighbour that asks more of the system."""
USUAL = tuple(name for name in KINDS if name not in ONLY_WHEN_NAMED)
