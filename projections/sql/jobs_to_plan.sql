-- One page of active jobs, each as its last change made it, and when that was.
select job.id::text, job.version, job.next_execution_at, change.valid_from as at, change.job::text
from scheduled_jobs as job
join job_versions as change on change.job_id = job.id and change.version = job.version
where job.id > $1::uuid
  and job.status = 'active'
  and job.deleted_at is null
order by job.id
limit $2
