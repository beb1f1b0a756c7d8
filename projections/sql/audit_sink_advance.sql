-- The batch up to $4 was taken. No row comes back if the chain was moved meanwhile.
update audit_sink_positions
set seq = $4, record_hash = $5, pending_seq = null, trouble = null, trouble_since = null
where tenant_id = $1 and chain = $2 and seq = $3 and pending_seq = $4 and round = $6
returning true
