-- Uses a refresh token up. Of several that try at once, the row's lock lets one be first; the others see it used.
with consumed as (
    update accounts.refresh_tokens as token set used_at = $2
    from accounts.live_sessions as live
    where token.digest = $1
        and token.used_at is null
        and live.session_id = token.session_id
        and live.idle_until > $2
    returning live.session_id, live.user_id, live.tenant_id, live.name, live.roles, live.session_version, live.tags
), successor as (
    insert into accounts.refresh_tokens (digest, session_id, issued_at) select $3, session_id, $2 from consumed
), prolonged as (
    update accounts.sessions as session set last_used_at = $2, idle_until = least($4, session.expires_at)
    from consumed where session.id = consumed.session_id
)
select session_id::text, user_id::text, tenant_id::text, name, roles, session_version, tags from consumed
