-- Every chain with how far it goes and how far it was taken; without $1 only those where the two differ. The chains are
-- found by leaping from one to the next through the primary key, and not by reading all entries.
with recursive chains as (
    (select tenant_id, chain from audit_chain order by tenant_id, chain limit 1)
    union all
    select following.tenant_id, following.chain
    from chains
    cross join lateral (
        select tenant_id, chain
        from audit_chain
        where (tenant_id, chain) > (chains.tenant_id, chains.chain)
        order by tenant_id, chain
        limit 1
    ) as following
)
select chains.tenant_id::text as tenant_id, chains.chain, coalesce(reached.round, 0) as round,
    coalesce(reached.seq, 0) as seq, last.seq as end_seq, waiting.at as since, reached.trouble, reached.trouble_since
from chains
cross join lateral (
    select seq
    from audit_chain
    where tenant_id = chains.tenant_id and chain = chains.chain
    order by seq desc
    limit 1
) as last
left join audit_sink_positions as reached
    on reached.tenant_id = chains.tenant_id and reached.chain = chains.chain
left join lateral (
    select at
    from audit_chain
    where tenant_id = chains.tenant_id and chain = chains.chain and seq = coalesce(reached.seq, 0) + 1
    limit 1
) as waiting on true
where $1::boolean or last.seq <> coalesce(reached.seq, 0)
order by waiting.at nulls first, chains.tenant_id, chains.chain
