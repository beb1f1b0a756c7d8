-- Newest first: the versions below $3 (all, when it is null).
select job, valid_from as at, valid_to as until, change, actor, reason, command_id::text as command_id
from job_versions
where job_id = $1 and tenant_id = $2 and ($3::int is null or version < $3)
order by version desc
limit $4
