-- The audit trail as chains of hashes, one for each tenant and topic (horolog/domain/audit.py). It takes the place of
-- `audit_events`, which held the changes of jobs only: what they were before and after is in `job_versions`.
drop table audit_events;

create table audit_chain (
    tenant_id uuid not null,
    chain text not null,
    seq bigint not null,
    at timestamptz not null,
    actor text not null,
    action text not null,
    object_id text not null,
    outcome text not null,
    value_hash text not null,
    address text,
    command_id uuid,
    reason text,
    before_hash text,
    after_hash text,
    previous_hash text not null,
    record_hash text not null,
    primary key (tenant_id, chain, seq)
);
create index audit_chain_listing on audit_chain (tenant_id, at desc, chain desc, seq desc);

-- Walls as in 0006.
alter table audit_chain enable row level security, force row level security;
create policy owner_writes on audit_chain to current_user using (true) with check (true);
create policy tenant_reads on audit_chain for select to horolog_api
    using (tenant_id = (select current_setting('horolog.tenant')::uuid));
create policy platform_reads on audit_chain for select to horolog_platform using (true);
grant select on audit_chain to horolog_api, horolog_platform;
