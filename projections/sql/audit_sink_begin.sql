-- A batch is under way from now on: the entries after $3 up to $5. No row comes back if the chain was moved meanwhile.
insert into audit_sink_positions as reached (tenant_id, chain, seq, record_hash, pending_seq, round)
values ($1, $2, $3, $4, $5, $6)
on conflict (tenant_id, chain) do update
set pending_seq = excluded.pending_seq
where reached.seq = excluded.seq and reached.round = excluded.round and reached.pending_seq is null
returning true
