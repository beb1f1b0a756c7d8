-- To be sent once more, under the same id, as if for the first time.
update notifications.deliveries set state = 'waiting', due_at = $3, attempt = 0, ended_at = null, failure = null
where tenant_id = $1 and id = $2
returning id::text
