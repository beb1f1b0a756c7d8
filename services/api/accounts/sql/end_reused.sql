update accounts.sessions as session set revoked_at = $2
from accounts.refresh_tokens as token
where token.digest = $1 and token.used_at is not null and session.id = token.session_id and session.revoked_at is null
returning session.id::text
