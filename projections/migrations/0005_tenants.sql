-- The tenants that somebody created: settings and quotas as the dispatcher knows them, and every change of them.
create table tenants (
    tenant_id uuid primary key,
    version int not null,
    state varchar(20) not null check (state in ('active', 'suspended')),
    name varchar(200) not null,
    settings jsonb not null,
    created_by text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index tenants_listing on tenants (created_at desc, tenant_id desc);

create table tenant_changes (
    tenant_id uuid not null,
    version int not null,
    at timestamptz not null,
    action text not null,
    actor text not null,
    reason text,
    command_id uuid not null,
    before jsonb,
    after jsonb not null,
    primary key (tenant_id, version)
);

-- Which version of its tenant a command has led to.
alter table command_outcomes add column tenant_version int;
