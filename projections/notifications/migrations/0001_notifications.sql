-- Rules of who is told what of jobs, and what was made of them. The search path is the schema `notifications`. Positions,
-- jobs, tenants and groups are a fold of the log; rules and deliveries are not, and need a backup of their own.

create table projection_offsets (
    topic text not null,
    partition int not null,
    -- Moved from the value that a batch began at, in the transaction that makes its deliveries.
    next bigint not null,
    primary key (topic, partition)
) with (fillfactor = 50);

create table rules (
    id uuid primary key,
    tenant_id uuid not null,
    name text not null,
    kinds text[] not null,
    job_ids uuid[] not null,
    tags text[] not null,
    group_s int not null check (group_s >= 0),
    throttle_count int not null check (throttle_count > 0),
    throttle_s int not null check (throttle_s > 0),
    late_s int not null check (late_s >= 0),
    enabled boolean not null,
    channel text not null,
    -- Where it leads and by which secret it signs, encrypted under the tenant's key.
    sealed_target text not null,
    since timestamptz not null,
    version int not null,
    created_by text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index rules_of_tenant on rules (tenant_id, created_at desc, id desc);

create table deliveries (
    id uuid primary key,
    tenant_id uuid not null,
    -- No reference: what was delivered stays known when its rule is gone.
    rule_id uuid not null,
    rule_name text not null,
    channel text not null,
    job_id uuid,
    kind text not null,
    fact_count int not null,
    dropped_count int not null,
    document text not null,
    made_at timestamptz not null,
    state text not null check (state in ('waiting', 'sent', 'dead')),
    -- When it is to be sent next; while it is being sent, when it is to be sent again should nobody say how that went.
    due_at timestamptz not null,
    attempt int not null default 0,
    attempted_at timestamptz,
    duration_ms int,
    status_code int,
    failure text,
    ended_at timestamptz
) with (fillfactor = 80);
create index deliveries_due on deliveries (due_at, id) where state = 'waiting';
create index deliveries_listing on deliveries (tenant_id, made_at desc, id desc);
create index deliveries_by_end on deliveries (ended_at) where state <> 'waiting';

create table rule_groups (
    rule_id uuid not null references rules (id) on delete cascade,
    -- A job's id, or empty for the tenant itself.
    subject text not null,
    tenant_id uuid not null,
    home int not null,
    closes_at timestamptz not null,
    counts jsonb not null,
    first_at timestamptz,
    last jsonb,
    primary key (rule_id, subject)
);
create index rule_groups_closing on rule_groups (closes_at);

create table rule_throttles (
    rule_id uuid primary key references rules (id) on delete cascade,
    tenant_id uuid not null,
    since timestamptz not null,
    made_count int not null,
    dropped_count int not null
);

create table known_jobs (
    job_id uuid primary key,
    tenant_id uuid not null,
    name text not null,
    tags text[] not null,
    version int not null,
    is_failing boolean not null
);

create table known_tenants (
    tenant_id uuid primary key,
    version int not null,
    is_suspended boolean not null,
    changed_at timestamptz not null,
    http_allowed text[] not null
);

-- Walls as between the read models (projections/migrations/0006): the API is one tenant, and sees and changes that
-- tenant's rules, and of its deliveries only when they are sent.
do $$
declare
    held text;
begin
    foreach held in array array['rules', 'deliveries', 'rule_groups', 'rule_throttles', 'known_jobs', 'known_tenants'] loop
        execute format('alter table %I enable row level security, force row level security', held);
        execute format('create policy owner_writes on %I to current_user using (true) with check (true)', held);
    end loop;
    foreach held in array array['rules', 'deliveries'] loop
        execute format(
            'create policy tenant_writes on %I to horolog_api '
            'using (tenant_id = (select current_setting(''horolog.tenant'')::uuid)) '
            'with check (tenant_id = (select current_setting(''horolog.tenant'')::uuid))', held
        );
    end loop;
    execute format('grant usage on schema %I to horolog_api', current_schema());
end $$;
grant select, insert, update, delete on rules to horolog_api;
grant select, insert on deliveries to horolog_api;
grant update (state, due_at, attempt, ended_at, failure) on deliveries to horolog_api;
