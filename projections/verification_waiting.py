"""How long a job's policies let its executions stand in a queue, as the ledger's proof allows for it.

Guarantee: pure, and never less than what the dispatcher keeps to while there are workers: each execution ahead in the
queue takes its longest, with all retries and the delays before them.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from horolog.domain.overlap import waiting_max
from horolog.domain.retry import delay_ms
from horolog.verify.judging import UNENDED_GRACE_S
from schemas.jobs import Job, JobDefinition, Misfire, MisfirePolicy

_CAUGHT_UP_COUNT: Mapping[MisfirePolicy, Callable[[Misfire], int]] = MappingProxyType(
    {
        MisfirePolicy.SKIP: lambda _: 0,
        MisfirePolicy.LATEST: lambda _: 1,
        MisfirePolicy.ALL: lambda misfire: misfire.max_count,
    }
)
"""How many instants of a gap fire late."""


def queue_s(job: Job) -> float:
    """How long an execution may wait for others of its job to end."""
    # One more than may queue: whoever comes in time may have to wait for one that catches up.
    return (waiting_max(job) + 1) * _run_s(job.definition)


def catch_up_s(job: Job) -> float:
    """How long an execution that was admitted after its instant may wait for its turn, and then for others."""
    misfire = job.definition.misfire
    turn_s = misfire.interval().total_seconds() + _run_s(job.definition)
    return _CAUGHT_UP_COUNT[misfire.policy](misfire) * turn_s + queue_s(job)


def _run_s(definition: JobDefinition) -> float:
    """How long one execution may take, with all its retries and the delays before them."""
    retry = definition.retry_config
    retry_count = 0 if retry is None else retry.max_retries
    delays_ms = () if retry is None else (delay_ms(retry, attempt) for attempt in range(1, retry_count + 1))
    return (1 + retry_count) * (definition.timeout_s() + UNENDED_GRACE_S) + sum(delays_ms) / 1000
