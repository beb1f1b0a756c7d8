-- How far each chain of the audit trail has been taken by an outside service (projections/audit_sink). The rows of
-- `audit_chain` are what is to be sent. No fold of the log: `horolog rebuild` leaves this table as it is, and nothing
-- here refers to the tables that it exchanges.
create table audit_sink_positions (
    tenant_id uuid not null,
    chain text not null,
    -- The last entry that was taken, and its hash; before the first one 0, and the hash that the chain begins with.
    seq bigint not null,
    record_hash text not null,
    -- The last entry of the batch that is under way: what is sent again after a crash is the same batch.
    pending_seq bigint,
    -- How often the chain was set back: what is then sent once more is told apart from a mere repetition.
    round int not null default 0,
    -- Why the chain does not go on, and since when: a code, never a word of the service.
    trouble text,
    trouble_since timestamptz,
    primary key (tenant_id, chain),
    check (pending_seq is null or pending_seq > seq)
);

-- Walls as in 0006.
alter table audit_sink_positions enable row level security, force row level security;
create policy owner_writes on audit_sink_positions to current_user using (true) with check (true);
create policy tenant_reads on audit_sink_positions for select to horolog_api
    using (tenant_id = (select current_setting('horolog.tenant')::uuid));
create policy platform_reads on audit_sink_positions for select to horolog_platform using (true);
grant select on audit_sink_positions to horolog_api, horolog_platform;
