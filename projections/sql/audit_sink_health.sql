select count(*)::int as chain_count, count(trouble)::int as held_count from audit_sink_positions
