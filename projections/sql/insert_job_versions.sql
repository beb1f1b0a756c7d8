with change as (
    select *
    from unnest(
        $1::uuid[], $2::int[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::uuid[],
        $9::jsonb[]
    ) as change (job_id, version, tenant_id, at, change, actor, reason, command_id, after)
),
ended as (
    -- The last version before this batch; those before it have ended.
    update job_versions as earlier
    set valid_to = first.at
    from (select distinct on (job_id) job_id, version, at from change order by job_id, version) as first
    where earlier.job_id = first.job_id
      and earlier.version < first.version
      and earlier.valid_to is null
)
insert into job_versions (
    job_id, version, tenant_id, valid_from, valid_to, change, actor, reason, command_id, job
)
select job_id, version, tenant_id, at, lead(at) over (partition by job_id order by version), change, actor, reason,
    command_id, after
from change
on conflict (job_id, version) do nothing
