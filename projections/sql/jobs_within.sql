-- Of these jobs those that carry one of the tags; deleted ones by the tags that they had at last.
select id::text as id
from scheduled_jobs
where tenant_id = $1
  and id = any ($2::uuid[])
  and tags ?| $3::text[]
