-- How far a chain was taken, and which batch is under way.
select seq, record_hash, pending_seq, round
from audit_sink_positions
where tenant_id = $1 and chain = $2
