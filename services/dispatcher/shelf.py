"""The jobs of a partition, and how many each tenant and each owner has."""

from functools import lru_cache

from schemas.events.jobs import JobTabled
from schemas.jobs import Job

DECODED_JOB_COUNT_MAX = 10_000
"""How many jobs a process keeps decoded: some 4 KB each, while decoding one takes as long as handing out a task."""


class JobShelf:
    """The partition's jobs, kept as JSON: 100,000 fit into little memory."""

    def __init__(self) -> None:
        self._json: dict[str, bytes] = {}
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

    def put(self, job: Job) -> None:
        """Keep the job; a deleted one is forgotten."""
        if job.deleted:
            self.drop(job.job_id)
            return
        self.put_raw(job, JobTabled(tenant_id=job.tenant_id, job=job).to_json())

    def put_raw(self, job: Job, raw: bytes) -> None:
        """Keep a job by the JSON of its `JobTabled`, which is not written anew."""
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


# One for the process and not one for each partition, whose number would multiply its size. What it holds are values.
@lru_cache(maxsize=DECODED_JOB_COUNT_MAX)
def _decoded(raw: bytes) -> Job:
    return JobTabled.model_validate_json(raw).job
