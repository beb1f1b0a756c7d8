delete from notifications.rules where tenant_id = $1 and id = $2 returning id::text
