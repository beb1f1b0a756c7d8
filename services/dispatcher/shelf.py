"""The jobs of a partition, and how many each tenant and each owner has."""

from collections import OrderedDict
from datetime import datetime, timedelta
from functools import lru_cache

from horolog.limits import DELETED_JOB_KEPT_COUNT, DELETED_JOB_KEPT_S
from schemas.events.jobs import JobTabled
from schemas.jobs import Job

_DELETED_KEPT = timedelta(seconds=DELETED_JOB_KEPT_S)
DECODED_JOB_COUNT_MAX = 10_000
"""How many jobs a process keeps decoded: some 4 KB each, while decoding one takes as long as handing out a task."""


class JobShelf:
    """The partition's jobs, kept as JSON: 100,000 fit into little memory."""

    def __init__(self) -> None:
        self._json: dict[str, bytes] = {}
        self._deleted: OrderedDict[str, tuple[datetime, bytes]] = OrderedDict()
        self._counts: dict[str, int] = {}
        self._owned: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._json)

    def count_of(self, tenant_id: str) -> int:
        """How many jobs the tenant has, deleted ones excepted."""
        return self._counts.get(tenant_id, 0)

    def owns_any(self, tenant_id: str, actor: str) -> bool:
        """Whether a job of the tenant is there that this actor created."""
        return (tenant_id, actor) in self._owned

    def get(self, job_id: str) -> Job | None:
        """The job, deleted ones excepted."""
        raw = self._json.get(job_id)
        return None if raw is None else _decoded(raw)

    def deleted(self, job_id: str) -> Job | None:
        """A job of that id that was deleted not long ago: what it owed until then may still come."""
        found = self._deleted.get(job_id)
        return None if found is None else _decoded(found[1])

    def put(self, job: Job) -> None:
        """Keep the job; a deleted one is no longer counted, and remembered for a while."""
        self.put_raw(job, JobTabled(tenant_id=job.tenant_id, job=job).to_json())

    def put_raw(self, job: Job, raw: bytes) -> None:
        """As `put`, by the JSON of the job's `JobTabled`, which is not written anew."""
        if job.deleted:
            self.drop(job.job_id)
            self._bury(job, raw)
            return
        if job.job_id not in self._json:
            owner = job.tenant_id, job.created_by
            self._counts[job.tenant_id] = self.count_of(job.tenant_id) + 1
            self._owned[owner] = self._owned.get(owner, 0) + 1
        self._json[job.job_id] = raw

    def drop(self, job_id: str) -> None:
        """Forget the job."""
        raw = self._json.pop(job_id, None)
        if raw is None:
            return
        job = _decoded(raw)
        owner = job.tenant_id, job.created_by
        self._counts[job.tenant_id] -= 1
        self._owned[owner] -= 1
        if self._owned[owner] == 0:
            del self._owned[owner]

    def _bury(self, job: Job, raw: bytes) -> None:
        """Remember a deleted job, and forget those that are too old or too many."""
        self._deleted[job.job_id] = (job.updated_at, raw)
        self._deleted.move_to_end(job.job_id)
        oldest_at = job.updated_at - _DELETED_KEPT
        while len(self._deleted) > DELETED_JOB_KEPT_COUNT or next(iter(self._deleted.values()))[0] < oldest_at:
            self._deleted.popitem(last=False)


# One for the process and not one for each partition, whose number would multiply its size. What it holds are values.
@lru_cache(maxsize=DECODED_JOB_COUNT_MAX)
def _decoded(raw: bytes) -> Job:
    return JobTabled.model_validate_json(raw).job
