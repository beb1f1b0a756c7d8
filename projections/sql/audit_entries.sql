-- One page of a tenant's audit trail, newest first.
select tenant_id::text, chain, seq, at, actor, action, object_id, outcome, value_hash, address,
    command_id::text as command_id, reason, before_hash, after_hash, previous_hash, record_hash
from audit_chain
where tenant_id = $1
  and ($2::timestamptz is null or at >= $2)
  and ($3::timestamptz is null or at < $3)
  and ($4::text is null or actor = $4)
  and ($5::text is null or action = $5)
  and ($6::text is null or object_id = $6)
  and ($7::text is null or chain = $7)
  and ($8::timestamptz is null or (at, chain, seq) < ($8, $9::text, $10::bigint))
order by at desc, chain desc, seq desc
limit $11
