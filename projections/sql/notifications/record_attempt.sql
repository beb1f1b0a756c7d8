-- How an attempt ended. Nothing is changed when somebody has begun another one, or asked for the delivery anew.
update deliveries set
    state = $3, due_at = coalesce($4, due_at), duration_ms = $5, status_code = $6, failure = $7,
    ended_at = case when $3 = 'waiting' then null else $8::timestamptz end
where id = $1 and attempt = $2 and state = 'waiting'
returning id
