"""Checkers: each looks at a whole history for one kind of breach and tells of every one it finds.

They know the promises, not the product: what a schedule names is tried second by second, overlap is measured on the
record of what ran, and the read models are compared with the log read anew.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tests.sim.checks import commands, executions, fires, liveness, overlaps, owners, policies, reading, running
from tests.sim.history import History

Check = Callable[[History], Iterator[str]]

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        check.__name__: check
        for check in (
            fires.every_owed_instant_is_decided_once,
            fires.nothing_is_early,
            fires.nothing_is_early_by_true_time,
            executions.histories_are_legal,
            executions.ends_follow_from_reports,
            executions.losses_are_real,
            executions.retries_keep_the_policy,
            executions.max_executions_hold,
            policies.misfires_keep_the_policy,
            policies.catching_up_keeps_its_rate,
            policies.nothing_runs_twice_at_most_once,
            policies.reasons_are_borne_out,
            overlaps.slots_and_queues_are_used,
            running.max_concurrent_holds,
            running.attempts_run_once_where_they_were_sent,
            running.timeouts_hold,
            running.leases_hold,
            running.nothing_starts_after_it_was_forbidden,
            running.nothing_of_a_closed_tenant_starts,
            commands.commands_are_applied_once,
            commands.versions_rise_by_one,
            commands.tenants_versions_rise_by_one,
            owners.one_writer_at_a_time,
            owners.poison_is_told_once,
            owners.positions_never_go_back,
            reading.read_models_are_the_fold_of_the_log,
            reading.rows_and_positions_move_together,
            liveness.commands_are_answered,
            liveness.executions_end,
            liveness.everything_is_projected,
            liveness.partitions_have_owners,
            liveness.nothing_is_defective,
        )
    }
)


@dataclass(frozen=True, slots=True)
class Breach:
    """One promise that was broken."""

    check: str
    what: str


def judge(history: History) -> list[Breach]:
    """Every breach in the history."""
    return [Breach(name, what) for name, check in CHECKS.items() for what in check(history)]
