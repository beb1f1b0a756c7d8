"""What is counted is shown under the names of the table, all of them and no others."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

from horolog.limits import METRICS_ERROR_RATE_WINDOW_S, METRICS_TENANT_COUNT_MAX
from horolog.log.counters import OwnerCounters
from horolog.log.lag import Standing
from horolog.runtime.metric_table import LATENESS_BOUNDS_S, TABLE, Kind
from horolog.runtime.metrics import OTHER, Metrics
from horolog.runtime.recent_share import LOOK_S_MIN, RecentShare
from horolog.runtime.resources import CpuShare
from projections.notifications.counters import NotifierCounters
from tests.tidy.tree import PRODUCT, python_files, read_text

ASKED_FOR = """
scheduler_job_executions_total scheduler_operations_total scheduler_errors_total scheduler_executions_total
scheduler_failed_jobs_total scheduler_lock_acquisitions_total scheduler_lock_timeouts_total
scheduler_execution_duration_seconds scheduler_operation_duration_seconds scheduler_total_jobs scheduler_jobs_total
scheduler_active_jobs scheduler_queue_size scheduler_queue_length scheduler_error_rate scheduler_memory_usage_bytes
scheduler_cpu_usage_percent scheduler_active_connections
"""
Samples = dict[tuple[str, frozenset[str]], float]


def samples(metrics: Metrics) -> Samples:
    """Every sample shown, by its name and the values of its labels."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {(s.name, frozenset(s.labels.values())): s.value for family in families for s in family.samples}


def sample(metrics: Metrics, name: str, *labels: str) -> float | None:
    return samples(metrics).get((name, frozenset(labels)))


def told_of_everything() -> Metrics:
    metrics = Metrics()
    metrics.fire_emitted("t", 0)
    metrics.attempt_dispatched("t", 0)
    metrics.attempt_started("t", 0)
    metrics.executions_over("t", "http", "completed")
    metrics.execution_ran("t", "http", 1)
    metrics.execution_finished("t", 1)
    metrics.facts_applied(0.1)
    metrics.caught_up("missed", 3)
    metrics.request_served("GET", "/jobs", 200, 0.1, is_fault=False)
    metrics.ledger_violation("missing")
    metrics.set_overdue({"t": 1})
    metrics.audit_taken("t", 1)
    metrics.audit_not_taken("t", "500")
    metrics.set_audit_waiting({"t": 1}, {"t": 1}, 1)
    metrics.set_jobs({"active": 1})
    metrics.set_queue(1, 1)
    metrics.watch_owner("ticker", OwnerCounters())
    metrics.watch_partitions("ticker", lambda: [Standing(0, 1, 2, 3.0)])
    metrics.watch_catching_up(lambda: {0: 4.0})
    metrics.watch_queues(lambda: {("t", "any"): 1})
    metrics.watch_slots(lambda: (1, 2))
    metrics.watch_connections(lambda: 1)
    metrics.watch_streams(lambda: 1)
    metrics.watch_notifier(NotifierCounters())
    metrics.watch_spans(lambda: {"sent": 1, "dropped": 0})
    metrics.watch_roles(lambda: {"ticker": True})
    return metrics


def test_everything_in_the_table_is_shown_and_nothing_else() -> None:
    suffix = {Kind.COUNTER: "", Kind.GAUGE: "", Kind.HISTOGRAM: "_count"}
    shown = {name for name, _ in samples(told_of_everything())}
    assert {f"{metric.name}{suffix[metric.kind]}" for metric in TABLE} <= shown
    assert {re.sub("_(count|sum|bucket)$", "", name) for name in shown} == {metric.name for metric in TABLE}
    assert len({metric.name for metric in TABLE}) == len(TABLE)


def test_table_has_every_figure_that_is_asked_for() -> None:
    assert set(ASKED_FOR.split()) - {metric.name for metric in TABLE} == set()


def test_no_module_of_the_product_makes_metrics_beside_the_table() -> None:
    texts = {path: read_text(path) or "" for path in python_files() if path.parts[0] in PRODUCT}
    users = {path.name for path, text in texts.items() if "prometheus_client" in text}
    assert users == {"instruments.py", "metrics.py"}
    names = "|".join(metric.name for metric in TABLE)
    assert {path.name for path, text in texts.items() if re.search(names, text)} == {"metric_table.py"}


def test_two_values_see_nothing_of_each_other() -> None:
    first, second = Metrics(), Metrics()
    first.executions_over("t", "http", "failed")
    assert sample(first, "scheduler_failed_jobs_total") == 1
    assert sample(second, "scheduler_failed_jobs_total") == 0


@pytest.mark.parametrize("told", [Metrics.fire_emitted, Metrics.attempt_dispatched, Metrics.attempt_started])
def test_what_came_early_counts_as_punctual(told: Callable[[Metrics, str, float], None]) -> None:
    metrics = Metrics()
    told(metrics, "t", -1.5)
    (total,) = [value for (name, _), value in samples(metrics).items() if name.endswith("lateness_seconds_sum")]
    assert total == 0
    buckets = {labels: value for (name, labels), value in samples(metrics).items() if name.endswith("_bucket")}
    assert buckets[frozenset({"t", "0.001"})] == 1


def test_lateness_falls_into_the_bucket_whose_bound_it_does_not_exceed() -> None:
    metrics = Metrics()
    for lateness_s in (0.001, 0.0011, 60, 61):
        metrics.attempt_started("t", lateness_s)
    name = "scheduler_execution_start_lateness_seconds"
    bounds = ("0.001", "0.0025", "30.0", "60.0", "+Inf")
    assert [sample(metrics, f"{name}_bucket", "t", bound) for bound in bounds] == [1, 2, 2, 3, 4]
    assert sample(metrics, f"{name}_count", "t") == 4
    assert sample(metrics, f"{name}_sum", "t") == pytest.approx(121.0021)
    assert (LATENESS_BOUNDS_S[0], LATENESS_BOUNDS_S[-1]) == (0.001, 60)


def test_missed_range_counts_each_of_its_instants() -> None:
    metrics = Metrics()
    metrics.executions_over("t", "http", "missed", 5)
    assert sample(metrics, "scheduler_job_executions_total", "http", "missed", "t") == 5
    assert sample(metrics, "scheduler_executions_total", "missed") == 5
    assert sample(metrics, "scheduler_failed_jobs_total") == 0


def test_tenant_that_is_no_longer_overdue_disappears() -> None:
    metrics = Metrics()
    metrics.set_overdue({"a": 2, "b": 1})
    metrics.set_overdue({"b": 3})
    assert sample(metrics, "scheduler_schedules_overdue", "a") is None
    assert sample(metrics, "scheduler_schedules_overdue", "b") == 3


def test_tenants_beyond_the_bound_share_a_label() -> None:
    metrics = Metrics()
    for number in range(METRICS_TENANT_COUNT_MAX + 7):
        metrics.attempt_started(str(number), 0)
    name = "scheduler_execution_start_lateness_seconds_count"
    assert sample(metrics, name, OTHER) == 7
    assert sum(shown == name for shown, _ in samples(metrics)) == METRICS_TENANT_COUNT_MAX + 1
    metrics.set_overdue({f"new {number}": 2 for number in range(3)})
    assert sample(metrics, "scheduler_schedules_overdue", OTHER) == 6


@pytest.mark.parametrize(("allowed", "named"), [(2, {"a", "b", OTHER}), (0, {OTHER})])
def test_tenants_beyond_the_operator_s_bound_are_added_up(allowed: int, named: set[str]) -> None:
    metrics = Metrics(tenant_count_max=allowed)
    for tenant_id in "abcda":
        metrics.executions_over(tenant_id, "http", "completed")
    name = "scheduler_job_executions_total"
    shown = {
        labels - {"http", "completed"}: value for (told, labels), value in samples(metrics).items() if told == name
    }
    assert (set().union(*shown), sum(shown.values())) == (named, 5)


def test_breaches_of_the_ledger_are_counted_by_kind() -> None:
    metrics = Metrics()
    metrics.ledger_violation("missing")
    metrics.ledger_violation("missing", 2)
    assert sample(metrics, "scheduler_ledger_violations_total", "missing") == 3


def test_owner_is_asked_at_every_look() -> None:
    metrics, counters = Metrics(), OwnerCounters(acquisitions=4)
    metrics.watch_owner("ticker", counters)
    assert sample(metrics, "scheduler_lock_acquisitions_total", "ticker") == 4
    counters.fencings, counters.losses, counters.failures = 2, 1, 5
    counters.takeovers, counters.dead_letters, counters.transactions["aborted"] = 3, 7, 6
    assert sample(metrics, "scheduler_lock_timeouts_total", "ticker") == 3
    assert sample(metrics, "scheduler_partition_fencings_total", "ticker") == 2
    assert sample(metrics, "scheduler_partition_takeovers_total", "ticker") == 3
    assert sample(metrics, "scheduler_errors_total", "ticker") == 5
    assert sample(metrics, "scheduler_dead_letters_total", "ticker") == 7
    assert sample(metrics, "scheduler_transactions_total", "ticker", "aborted") == 6
    assert sample(metrics, "scheduler_transactions_total", "ticker", "unknown") == 0


def test_partitions_are_shown_for_as_long_as_they_are_held() -> None:
    metrics = Metrics()
    held = [Standing(3, 9, 4, 1.5)]
    metrics.watch_partitions("ticker", lambda: held)
    metrics.watch_partitions("projections", lambda: [Standing(3, None, 0, 0.0)])
    assert sample(metrics, "scheduler_partition_owned", "ticker", "3") == 1
    assert sample(metrics, "scheduler_partition_epoch", "ticker", "3") == 9
    assert sample(metrics, "scheduler_partition_epoch", "projections", "3") is None
    assert sample(metrics, "scheduler_consumer_lag_records", "ticker", "3") == 4
    assert sample(metrics, "scheduler_consumer_lag_seconds", "ticker", "3") == 1.5
    held.clear()
    assert sample(metrics, "scheduler_partition_owned", "ticker", "3") is None
    assert sample(metrics, "scheduler_partition_owned", "projections", "3") == 1


def test_queues_of_tenants_beyond_the_bound_are_added_up() -> None:
    metrics, name = Metrics(), "scheduler_tenant_queue_size"
    sizes = {(f"{number:04}", "any"): 2 for number in range(METRICS_TENANT_COUNT_MAX + 3)}
    metrics.watch_queues(lambda: sizes)
    assert sample(metrics, name, "0000", "any") == 2
    assert sample(metrics, name, OTHER, "any") == 6
    sizes.clear()
    assert sample(metrics, name, "0000", "any") is None


def test_slots_are_shown_by_whether_something_runs_in_them() -> None:
    metrics = Metrics()
    metrics.watch_slots(lambda: (3, 10))
    assert [sample(metrics, "scheduler_worker_slots", state) for state in ("busy", "free")] == [3, 7]


def test_two_workers_of_a_process_are_added_up() -> None:
    metrics = Metrics()
    metrics.watch_slots(lambda: (3, 5))
    metrics.watch_slots(lambda: (6, 5))
    metrics.watch_letters("executor", lambda: 1)
    metrics.watch_letters("executor", lambda: 2)
    assert [sample(metrics, "scheduler_worker_slots", state) for state in ("busy", "free")] == [9, 2]
    assert sample(metrics, "scheduler_dead_letters_total", "executor") == 3


def test_text_is_that_of_the_last_look() -> None:
    metrics, counters = Metrics(lambda: 1, lambda: 2.0), OwnerCounters(acquisitions=4)
    metrics.watch_owner("ticker", counters)
    metrics.look()
    before = metrics.text()
    counters.acquisitions = 5
    assert metrics.text() == before
    assert metrics.render() != before


def test_request_is_counted_and_only_a_fault_is_an_error() -> None:
    metrics = Metrics()
    metrics.request_served("GET", "/jobs", 404, 0.02, is_fault=False)
    assert sample(metrics, "scheduler_errors_total", "api") is None
    metrics.request_served("BREW", "/jobs", 500, 0.02, is_fault=True)
    assert sample(metrics, "scheduler_errors_total", "api") == 1
    assert sample(metrics, "scheduler_operations_total", OTHER, "/jobs", "500") == 1
    assert sample(metrics, "scheduler_operation_duration_seconds_bucket", "GET", "/jobs", "0.025") == 1
    assert sample(metrics, "scheduler_operation_duration_seconds_bucket", "GET", "/jobs", "0.01") == 0


def test_sampled_figures_are_absent_until_they_are_known_and_after_they_are_not() -> None:
    metrics = Metrics()
    assert sample(metrics, "scheduler_queue_length") is None
    metrics.set_queue(7, 2)
    metrics.set_jobs({"active": 3, "paused": 1})
    assert sample(metrics, "scheduler_queue_length") == sample(metrics, "scheduler_queue_size", "executions") == 7
    assert [sample(metrics, "scheduler_jobs_total", status) for status in ("active", "inactive")] == [3, 0]
    assert (sample(metrics, "scheduler_total_jobs"), sample(metrics, "scheduler_active_jobs")) == (4, 3)
    metrics.forget_samples()
    assert not [name for name, _ in samples(metrics) if "queue" in name or name.endswith("_jobs")]


def test_only_the_process_that_sends_the_audit_trail_shows_what_waits() -> None:
    metrics = Metrics()
    metrics.set_audit_waiting({"a": 3, "b": 0}, {"a": 1}, 7.5)
    assert sample(metrics, "scheduler_audit_sink_waiting_entries", "a") == 3
    assert sample(metrics, "scheduler_audit_sink_held_chains", "a") == 1
    assert sample(metrics, "scheduler_audit_sink_behind_seconds") == 7.5
    metrics.audit_taken("a", 2)
    metrics.forget_audit_waiting()
    assert [name for name, _ in samples(metrics) if "audit_sink" in name] == ["scheduler_audit_sink_entries_total"]


@dataclass
class Hand:
    """A clock moved by hand."""

    at: float = 0.0

    def now(self) -> float:
        return self.at


def test_error_rate_is_shown_once_something_was_answered() -> None:
    metrics = Metrics()
    assert sample(metrics, "scheduler_error_rate") is None
    for is_fault in (False, False, False, True):
        metrics.request_served("GET", "/jobs", 500 if is_fault else 200, 0.1, is_fault)
    assert sample(metrics, "scheduler_error_rate") == 0.25


def test_recent_share_forgets_what_is_older_than_its_window() -> None:
    clock = Hand()
    share = RecentShare(clock.now)
    clock.at = 10
    assert share.now(wrong=5, total=10) == 0.5
    clock.at += METRICS_ERROR_RATE_WINDOW_S
    assert share.now(wrong=5, total=10) == 0
    assert share.now(wrong=6, total=14) == 0.25


def test_memory_of_a_recent_share_is_bounded_however_often_it_is_asked() -> None:
    clock = Hand()
    share = RecentShare(clock.now)
    for tick in range(20_000):
        clock.at = tick / 10
        share.now(0, tick)
    assert len(share._looks) <= METRICS_ERROR_RATE_WINDOW_S / LOOK_S_MIN + 2


def test_cpu_share_is_that_since_the_last_look() -> None:
    clock, used = Hand(), Hand()
    share = CpuShare(clock.now, used.now)
    clock.at, used.at = 10, 5
    assert share.percent() == 50
    clock.at, used.at = 10.5, 5.5
    assert share.percent() == 50
    clock.at, used.at = 20, 5.5
    assert share.percent() == 5


def test_process_shows_its_own_memory_and_cpu() -> None:
    metrics = Metrics(memory_bytes=lambda: 123, cpu_percent=lambda: 4.5)
    assert sample(metrics, "scheduler_memory_usage_bytes") == 123
    assert sample(metrics, "scheduler_cpu_usage_percent") == 4.5
