-- The read models. Every row here is a fold of the log and can be rebuilt from it; nothing is decided from it.

create table projection_offsets (
    topic text not null,
    partition int not null,
    -- The offset of the next record to apply. A writer moves it from the value that it started at, in the same
    -- transaction as its rows: that comparison is what makes every record apply exactly once.
    next bigint not null,
    primary key (topic, partition)
) with (fillfactor = 50);

create table scheduled_jobs (
    -- Fixed-width columns that executions change come first: an update that leaves the long tail of the row alone
    -- is logged as a few bytes.
    id uuid primary key,
    tenant_id uuid not null,
    execution_count int not null default 0,
    last_execution_at timestamptz,
    next_execution_at timestamptz,
    version int not null,
    schedule_version int not null,
    effective_from timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    status varchar(20) not null default 'active',
    name varchar(200) not null,
    description text,
    -- As long as the evaluator accepts, which is longer than most expressions will ever be.
    cron_expression varchar(255) not null,
    timezone varchar(50) not null default 'UTC',
    job_type varchar(50) not null,
    config jsonb not null,
    retry_config jsonb,
    timeout_seconds int not null default 300,
    max_concurrent int not null default 1,
    priority int not null default 0,
    start_date timestamptz,
    end_date timestamptz,
    max_executions int,
    -- Text, not uuid: an actor is `user:<id>`, `token:<name>`, `service:<name>` or `system:<part>`.
    created_by text not null,
    tags jsonb not null default '[]',
    definition jsonb not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Approximate by intent: the first instant after the job's last change. It lets people and dashboards sort by it;
-- the exact value is computed from the definition by whoever answers a request.
create index scheduled_jobs_next_execution_at on scheduled_jobs (next_execution_at) where status = 'active';
create index scheduled_jobs_listing on scheduled_jobs (tenant_id, created_at desc, id desc) where deleted_at is null;
create index scheduled_jobs_tags on scheduled_jobs using gin (tags jsonb_path_ops);

create table job_versions (
    job_id uuid not null,
    version int not null,
    tenant_id uuid not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    change text not null,
    actor text not null,
    reason text,
    command_id uuid,
    job jsonb not null,
    primary key (job_id, version)
);

create table audit_events (
    job_id uuid not null,
    version int not null,
    tenant_id uuid not null,
    at timestamptz not null,
    action text not null,
    actor text not null,
    reason text,
    command_id uuid,
    before jsonb,
    after jsonb not null,
    primary key (job_id, version)
);
create index audit_events_listing on audit_events (tenant_id, at desc, job_id, version);

-- The ledger. Partitioned by the month of the nominal instant, which every event of an execution carries, so that
-- any event finds its row by (id, scheduled_at) alone.
create table job_executions (
    id uuid not null,
    scheduled_at timestamptz not null,
    tenant_id uuid not null,
    job_id uuid not null,
    -- The log's sequence of the last event applied; an older one never overwrites.
    seq int not null,
    -- Which groups of columns have been written: 1 the state, 2 the progress. Only the upsert reads it, where the row
    -- proposed for insertion is all that it gets to see.
    carried smallint not null,
    attempt int not null default 0,
    retry_count int generated always as (greatest(attempt - 1, 0)) stored,
    job_version int,
    late_count int not null default 0,
    missed_count int,
    memory_peak_mb int,
    cpu_time_ms int,
    duration_ms bigint,
    created_at timestamptz not null,
    started_at timestamptz,
    completed_at timestamptz,
    retry_at timestamptz,
    missed_until timestamptz,
    blocked_by uuid,
    progress smallint not null default 0 check (progress between 0 and 100),
    status varchar(20) not null check (
        status in ('pending', 'running', 'completed', 'failed', 'cancelled', 'skipped', 'missed')
    ),
    trigger_type varchar(20) not null check (trigger_type in ('scheduled', 'manual', 'retry')),
    -- The id once more as text. Unique because `id` is: within its partition by the key, and across them because
    -- an id is derived from the instant that chooses the partition.
    execution_id varchar(100) generated always as (id::text) stored,
    worker_id varchar(100),
    -- Text, not uuid: actors, as in `scheduled_jobs.created_by`.
    triggered_by text,
    cancelled_by text,
    reason text,
    error_type text,
    error_code text,
    error_message text,
    error_stack text,
    result jsonb,
    metadata jsonb,
    primary key (id, scheduled_at)
) partition by range (scheduled_at);

-- Begins with the columns of every "which executions of this tenant are in that state" question, and ends with the
-- order of every list: a tenant's list is a merge of one walk for each state.
create index job_executions_status on job_executions (status, tenant_id, scheduled_at desc, id desc);
create index job_executions_job on job_executions (job_id, scheduled_at desc, id desc);
create index job_executions_job_created on job_executions (job_id, created_at desc);

-- Instants outside the months created ahead, such as those of a clock that is far off.
create table job_executions_default partition of job_executions default with (fillfactor = 85);

create table workers (
    worker_id varchar(100) primary key,
    state text not null,
    capacity int not null,
    held_count int not null,
    running_count int not null,
    finished_count int not null,
    host text not null,
    pid int not null,
    isolation text not null,
    memory_mb int not null,
    started_at timestamptz not null,
    last_beat_at timestamptz not null
) with (fillfactor = 50);

create table partition_owners (
    role text not null,
    partition int not null,
    owner text not null,
    epoch bigint not null,
    acquired_at timestamptz not null,
    last_checkpoint_at timestamptz not null,
    watermark timestamptz,
    positions jsonb not null,
    replay_from bigint,
    primary key (role, partition)
) with (fillfactor = 50);

create table command_outcomes (
    command_id uuid primary key,
    tenant_id uuid not null,
    accepted boolean not null,
    request_hash text not null,
    at timestamptz not null,
    effective_at timestamptz,
    job_id uuid,
    job_version int,
    execution_id uuid,
    execution_seq int,
    code text,
    message text,
    details jsonb
);
create index command_outcomes_at on command_outcomes using brin (at);

-- Ownership in the shape of the locks that it replaces. A lock expires when its owner has not checkpointed for as
-- long as `OWNER_STALE_S` of `horolog.limits`.
create view scheduler_locks as
select
    role || '/' || partition as lock_key,
    owner as locked_by,
    acquired_at as locked_at,
    last_checkpoint_at + interval '20 seconds' as expires_at,
    jsonb_build_object('epoch', epoch, 'watermark', watermark, 'positions', positions) as metadata
from partition_owners;
