-- Deliveries to be sent now, each handed out until $2: one at most for each rule, $4 for each tenant, and none of the
-- rules in $5 or the tenants in $6, which are busy. So whoever answers slowly or not at all delays its own only.
with ranked as (
    select
        id,
        row_number() over (partition by rule_id order by due_at, id) as in_rule,
        row_number() over (partition by tenant_id order by due_at, id) as in_tenant
    from deliveries
    where state = 'waiting'
      and due_at <= $1
      and rule_id <> all ($5::uuid[])
      and tenant_id <> all ($6::uuid[])
),
chosen as (
    select delivery.id
    from deliveries as delivery
    join ranked on ranked.id = delivery.id
    where ranked.in_rule = 1
      and ranked.in_tenant <= $4
      and delivery.state = 'waiting'
      and delivery.due_at <= $1
    order by delivery.due_at, delivery.id
    limit $3
    for update of delivery skip locked
)
update deliveries as delivery
set due_at = $2, attempt = attempt + 1, attempted_at = $1
from chosen
where delivery.id = chosen.id
returning
    delivery.id::text, delivery.tenant_id::text, delivery.rule_id::text, delivery.document, delivery.attempt,
    delivery.made_at,
    -- The rule may lead elsewhere by now.
    coalesce((select channel from rules where rules.id = delivery.rule_id), delivery.channel) as channel,
    (select sealed_target from rules where rules.id = delivery.rule_id) as sealed_target,
    coalesce((select http_allowed from known_tenants as known where known.tenant_id = delivery.tenant_id), $7::text[])
        as http_allowed
