create table tenant_keys (
    tenant_id uuid primary key,
    key_id text not null unique,
    master_key_id text not null,
    sealed bytea not null,
    created_at timestamptz not null default now(),
    wrapped_at timestamptz not null default now()
);

-- For a tenant that is here there is no key, and none is ever made again.
create table erased_tenants (
    tenant_id uuid primary key,
    erased_at timestamptz not null
);

-- A known text under each master key, by which a wrong one is told before it does harm.
create table canaries (
    master_key_id text primary key,
    sealed bytea not null,
    created_at timestamptz not null default now()
);

create table secrets (
    tenant_id uuid not null,
    name text not null check (length(name) <= 100),
    version integer not null check (version > 0),
    sealed text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, name)
);
