-- A user's roles may hold for jobs with certain tags only; without any they hold for all jobs of the tenant.
alter table users add column tags text[] not null default '{}';

create or replace view live_sessions as
select
    session.id as session_id, session.idle_until, users.id as user_id, users.tenant_id, users.name, users.roles,
    users.session_version, users.tags
from sessions as session
join users on users.id = session.user_id
where session.revoked_at is null
    and session.session_version = users.session_version
    and not users.disabled
    and not users.must_change_password;
