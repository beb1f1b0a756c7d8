-- Users of the built-in issuer, their sessions, and how often signing in has failed. The search path is the schema
-- `accounts`; nothing here is a fold of the log, and nothing of it can be rebuilt.

create table users (
    id uuid primary key,
    tenant_id uuid not null,
    name text not null unique check (name = lower(name)),
    roles text[] not null,
    password_hash text not null,
    disabled boolean not null,
    must_change_password boolean not null,
    session_version integer not null,
    created_at timestamptz not null,
    last_login_at timestamptz,
    -- Who administers the platform belongs to no tenant, and holds nothing else.
    check (('platform-admin' = any (roles)) = (tenant_id = '00000000-0000-0000-0000-000000000000'))
);

create index users_newest on users (created_at desc, id desc);
create index users_of_tenant on users (tenant_id, created_at desc, id desc);

create table sessions (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    session_version integer not null,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    idle_until timestamptz not null check (idle_until <= expires_at),
    expires_at timestamptz not null,
    revoked_at timestamptz
);

create index sessions_of_user on sessions (user_id, last_used_at desc);
create index sessions_by_end on sessions (idle_until);

-- By the SHA-256 of the token. Used ones stay as long as their session: who shows one again is a thief or was robbed.
create table refresh_tokens (
    digest bytea primary key,
    session_id uuid not null references sessions (id) on delete cascade,
    issued_at timestamptz not null,
    used_at timestamptz
);

create index refresh_tokens_of_session on refresh_tokens (session_id);

-- By the SHA-256 of a name that somebody typed, or of an address.
create table attempts (
    counted_by text not null check (counted_by in ('account', 'address')),
    subject bytea not null,
    failure_count integer not null,
    last_at timestamptz not null,
    blocked_until timestamptz not null,
    primary key (counted_by, subject)
);

create index attempts_by_age on attempts (last_at);

-- Sessions that nothing but time has ended or will end.
create view live_sessions as
select
    session.id as session_id, session.idle_until, users.id as user_id, users.tenant_id, users.name, users.roles,
    users.session_version
from sessions as session
join users on users.id = session.user_id
where session.revoked_at is null
    and session.session_version = users.session_version
    and not users.disabled
    and not users.must_change_password;
