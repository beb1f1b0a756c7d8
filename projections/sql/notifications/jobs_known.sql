select job_id::text, tenant_id::text, name, tags, version, is_failing
from known_jobs
where job_id = any ($1::uuid[])
