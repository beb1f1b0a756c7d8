-- The entries of a chain from $3 to $4, in order.
select tenant_id::text, chain, seq, at, actor, action, object_id, outcome, value_hash, address,
    command_id::text as command_id, reason, before_hash, after_hash, previous_hash, record_hash
from audit_chain
where tenant_id = $1 and chain = $2 and seq between $3 and $4
order by seq
