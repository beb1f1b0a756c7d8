-- A repeated command is answered with its first outcome.
insert into command_outcomes (
    command_id, tenant_id, accepted, request_hash, at, effective_at, job_id, job_version, execution_id, execution_seq, code,
    message, details, tenant_version
)
select *
from unnest(
    $1::uuid[], $2::uuid[], $3::boolean[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::uuid[], $8::int[],
    $9::uuid[], $10::int[], $11::text[], $12::text[], $13::jsonb[], $14::int[]
)
on conflict (command_id) do nothing
