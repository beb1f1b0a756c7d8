-- The chain goes on after the entry $3 once more; never further on than it was. A batch under way counts for nothing.
update audit_sink_positions
set seq = $3, record_hash = $4, pending_seq = null, round = round + 1, trouble = null, trouble_since = null
where tenant_id = $1 and chain = $2 and seq >= $3
returning true
