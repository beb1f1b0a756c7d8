-- Opens a session for who still has the password that was proved; a user's least recently used ones make room.
with crowded as (
    delete from accounts.sessions where id in (
        select id from accounts.sessions where user_id = $2 order by last_used_at desc offset $8
    )
), welcome as (
    update accounts.users set last_login_at = $4
    where id = $2 and password_hash = $3 and not disabled and not must_change_password
    returning id, tenant_id, name, roles, session_version, tags
), opened as (
    insert into accounts.sessions (id, user_id, session_version, created_at, last_used_at, idle_until, expires_at)
    select $1, id, session_version, $4, $4, $5, $6 from welcome
    returning id
), first as (
    insert into accounts.refresh_tokens (digest, session_id, issued_at) select $7, id, $4 from opened
)
select
    opened.id::text as session_id, welcome.id::text as user_id, welcome.tenant_id::text, welcome.name, welcome.roles,
    welcome.session_version, welcome.tags
from opened, welcome
