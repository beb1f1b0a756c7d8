-- The last entry of each of these chains; nothing for a chain without entries.
select wanted.tenant_id::text as tenant_id, wanted.chain, last.seq, last.record_hash
from unnest($1::uuid[], $2::text[]) as wanted (tenant_id, chain)
cross join lateral (
    select seq, record_hash
    from audit_chain
    where tenant_id = wanted.tenant_id and chain = wanted.chain
    order by seq desc
    limit 1
) as last
