-- How far each chain goes.
select tenant_id::text as tenant_id, chain, max(seq) as seq
from audit_chain
where $1::uuid is null or tenant_id = $1
group by tenant_id, chain
