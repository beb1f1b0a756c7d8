-- One page of jobs with all their versions.
select version.job_id::text, version.tenant_id::text, version.job::text
from job_versions as version
where version.job_id in (
    select distinct job_id
    from job_versions
    where job_id > $1
      and ($2::uuid is null or tenant_id = $2)
      and ($3::uuid is null or job_id = $3)
    order by job_id
    limit $4
)
order by version.job_id, version.version
