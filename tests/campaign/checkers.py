"""The invariants, as functions from evidence to the breaches of it that they find. They ask nobody of the product.

Lost: an instant owed without a fire or a row, a row that never ended, a completed row that no target began. Doubled:
a second row, fire or end of the same thing; a target begun twice with the same attempt, or a later attempt whose
predecessor the log does not show as over. Early: a target begun before its instant, by the machine's clock.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

from tests.campaign.evidence import Evidence, Row, Sign

ENDED = frozenset({"completed", "failed", "cancelled", "skipped", "missed"})
ENDS = frozenset({"ExecutionCompleted", "ExecutionFailed", "ExecutionCancelled", "ExecutionSkipped", "ExecutionMissed"})
OK_STATUSES = frozenset({200, 201, 202})


def lost(evidence: Evidence) -> list[str]:
    """What was owed or promised, and did not come to be."""
    return [*_unaccounted(evidence), *_unfired(evidence), *_unstarted(evidence), *_broken_promises(evidence)]


def doubled(evidence: Evidence) -> list[str]:
    """What came to be more than once."""
    return [*_second_accounts(evidence), *_second_starts(evidence), *_second_decisions(evidence)]


def early(evidence: Evidence) -> list[str]:
    """Targets that began before their instant."""
    due = {row.execution_id: row.first_s for row in _rows_owed(evidence)}
    return [
        f"{mark.execution_id} began {due[mark.execution_id] - mark.at_s:.3f} s early"
        for mark in evidence.marks
        if mark.phase == "S" and mark.execution_id in due and mark.at_s < due[mark.execution_id]
    ]


def broken(evidence: Evidence) -> list[str]:
    """Breaches of what holds for the log itself, and for the read models as its fold."""
    return [
        *_terms(evidence.log.signs),
        *_other_than_the_log(evidence),
        *(f"an open transaction still hides {place}" for place in evidence.log.hidden),
        *(f"a committed record cannot be read uncommitted: {record}" for record in evidence.log.vanished),
        *(f"{name} ended by itself" for name in evidence.died),
    ]


def not_run(evidence: Evidence) -> list[str]:
    """Instants that have their account, but it says that they did not run to a good end."""
    rows = (row for row in _rows_owed(evidence) if row.status in ENDED and row.status != "completed")
    return [f"{row.job_id} at {row.first_s}: {row.status} {row.why}".rstrip() for row in rows]


def completed_count(evidence: Evidence) -> int:
    """How many of the instants owed ran to a good end, and were begun by a target."""
    started = {(mark.execution_id, mark.attempt) for mark in evidence.marks if mark.phase == "S"}
    return sum(row.status == "completed" and (row.execution_id, row.attempt) in started for row in _rows_owed(evidence))


def lateness_s(evidence: Evidence) -> list[float]:
    """How long after its instant each target began for the first time; ascending."""
    first: dict[str, float] = {}
    for mark in evidence.marks:
        if mark.phase == "S":
            first[mark.execution_id] = min(mark.at_s, first.get(mark.execution_id, mark.at_s))
    return sorted(first[row.execution_id] - row.first_s for row in _rows_owed(evidence) if row.execution_id in first)


def takeover_s(evidence: Evidence) -> float:
    """The longest that an owner's partition with work in it went without a checkpoint, while there was a log."""
    instants: dict[tuple[str, int], list[float]] = defaultdict(list)
    for sign in evidence.log.signs:
        instants[sign.role, sign.partition].append(sign.at_s)
    longest = 0.0
    for place, (begin, end) in evidence.watched.items():
        within = [begin, *sorted(at for at in instants[place] if begin <= at <= end), end]
        longest = max([longest, *(_apart_s(sooner, later, evidence.outage) for sooner, later in pairwise(within))])
    return longest


def _apart_s(sooner: float, later: float, outage: tuple[float, float]) -> float:
    begin, end = outage
    return later - sooner - max(0.0, min(later, end) - max(sooner, begin))


def overlap_count(evidence: Evidence) -> int:
    """How many executions had a later attempt begin before the target of an earlier one had ended."""
    begun = {(m.execution_id, m.attempt): m.at_s for m in evidence.marks if m.phase == "S"}
    over = {(m.execution_id, m.attempt): m.at_s for m in evidence.marks if m.phase == "E"}
    pairs = ((begun[id_, attempt + 1], over[id_, attempt]) for id_, attempt in over if (id_, attempt + 1) in begun)
    return sum(begin < end for begin, end in pairs)


def _rows_owed(evidence: Evidence) -> Iterator[Row]:
    jobs, seconds = {job for job, _ in evidence.owed}, [second for _, second in evidence.owed]
    if not seconds:
        return
    first, last = min(seconds), max(seconds)
    for row in evidence.rows:
        if row.job_id in jobs and row.last_s >= first and row.first_s <= last:
            yield row


def _accounts(evidence: Evidence) -> Counter[tuple[str, int]]:
    return Counter((row.job_id, s) for row in evidence.rows for s in range(row.first_s, row.last_s + 1))


def _unaccounted(evidence: Evidence) -> Iterator[str]:
    accounts = _accounts(evidence)
    for job, second in sorted(evidence.owed):
        if not accounts[job, second]:
            yield f"{job} at {second}: no row"
    for row in _rows_owed(evidence):
        if row.status not in ENDED:
            yield f"{row.execution_id} at {row.first_s}: still {row.status}, attempt {row.attempt}"


def _unfired(evidence: Evidence) -> Iterator[str]:
    fired = {(fire.job_id, fire.second) for fire in evidence.log.fires}
    fired |= {(row.job_id, s) for row in evidence.rows if row.status == "missed" for s in _seconds(row)}
    for job, second in sorted(evidence.owed - fired):
        yield f"{job} at {second}: no fire"


def _unstarted(evidence: Evidence) -> Iterator[str]:
    started = {(mark.execution_id, mark.attempt) for mark in evidence.marks if mark.phase == "S"}
    for row in _rows_owed(evidence):
        if row.status == "completed" and (row.execution_id, row.attempt) not in started:
            yield f"{row.execution_id}: completed, but its target never began attempt {row.attempt}"


def _broken_promises(evidence: Evidence) -> Iterator[str]:
    ended = {row.execution_id for row in evidence.rows if row.status in ENDED}
    for request in evidence.requests:
        if request.status in OK_STATUSES and request.execution_id not in ended:
            yield f"request {request.key} was accepted, and its execution {request.execution_id} did not end"


def _second_accounts(evidence: Evidence) -> Iterator[str]:
    for (job, second), count in _accounts(evidence).items():
        if count > 1 and (job, second) in evidence.owed:
            yield f"{job} at {second}: {count} rows"
    for (job, second), count in Counter((fire.job_id, fire.second) for fire in evidence.log.fires).items():
        if count > 1:
            yield f"{job} at {second}: {count} fires"


def _second_starts(evidence: Evidence) -> Iterator[str]:
    over = {(event.execution_id, event.attempt) for event in evidence.log.events if event.kind == "RetryScheduled"}
    starts = Counter((mark.execution_id, mark.attempt) for mark in evidence.marks if mark.phase == "S")
    known = {row.execution_id for row in evidence.rows}
    for (execution, attempt), count in starts.items():
        if count > 1:
            yield f"{execution}: attempt {attempt} began {count} times"
        if execution in known and attempt > 1 and (execution, attempt - 1) not in over:
            yield f"{execution}: attempt {attempt} began, and attempt {attempt - 1} was not over"


def _second_decisions(evidence: Evidence) -> Iterator[str]:
    for (execution, what, attempt), count in Counter(_decisions(evidence)).items():
        if count > 1:
            yield f"{execution}: {count} times {what}, attempt {attempt}"


def _decisions(evidence: Evidence) -> Iterator[tuple[str, str, int]]:
    """What may be decided once: an admission and an end of an execution, a dispatch and a failure of an attempt."""
    for event in evidence.log.events:
        if event.kind in ENDS:
            yield event.execution_id, "ended", 0
        elif event.kind == "ExecutionAdmitted":
            yield event.execution_id, "admitted", 0
        elif event.kind in ("AttemptDispatched", "RetryScheduled"):
            yield event.execution_id, event.kind, event.attempt


def _terms(signs: Iterable[Sign]) -> Iterator[str]:
    """Epochs never fall along a partition, and none has two owners."""
    latest: dict[tuple[str, int], Sign] = {}
    for sign in signs:
        before = latest.get((sign.role, sign.partition))
        if before is not None and sign.epoch < before.epoch:
            yield f"{sign.role}/{sign.partition}: {sign.owner} wrote in epoch {sign.epoch} after {before.epoch}"
        elif before is not None and sign.epoch == before.epoch and sign.owner != before.owner:
            yield f"{sign.role}/{sign.partition}: epoch {sign.epoch} is of {before.owner} and of {sign.owner}"
        latest[sign.role, sign.partition] = sign


def _other_than_the_log(evidence: Evidence) -> Iterator[str]:
    told = {event.execution_id: event.status for event in evidence.log.events if event.kind in ENDS}
    for row in _rows_owed(evidence):
        if told.get(row.execution_id, row.status) != row.status:
            yield f"{row.execution_id}: {told[row.execution_id]} in the log, {row.status} in the ledger"
        if row.status in ENDED and row.execution_id not in told:
            yield f"{row.execution_id}: {row.status} in the ledger, without an end in the log"


def _seconds(row: Row) -> range:
    return range(row.first_s, row.last_s + 1)
