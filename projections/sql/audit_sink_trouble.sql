-- Why a chain does not go on ($4), and since when ($5): for as long as the reason stays the same.
insert into audit_sink_positions as reached (tenant_id, chain, seq, record_hash, trouble, trouble_since)
values ($1, $2, 0, $3, $4, $5)
on conflict (tenant_id, chain) do update
set trouble = excluded.trouble,
    trouble_since = case
        when reached.trouble = excluded.trouble then reached.trouble_since else excluded.trouble_since
    end
