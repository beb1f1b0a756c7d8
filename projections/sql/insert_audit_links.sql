insert into audit_chain (
    tenant_id, chain, seq, at, actor, action, object_id, outcome, value_hash, address, command_id, reason, before_hash,
    after_hash, previous_hash, record_hash
)
select *
from unnest(
    $1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::uuid[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[]
)
