-- The read models of a schema: the views on them first, then the tables, partitions before their parent.
select kind, name
from (
    select 'view' as kind, relation.relname::text as name, 0 as rank
    from pg_class as relation
    join pg_namespace as place on place.oid = relation.relnamespace and place.nspname = $1
    where relation.relkind = 'v' and relation.relname = any ($3::text[])
    union all
    select 'table', part.relname::text, 1
    from pg_class as parent
    join pg_namespace as place on place.oid = parent.relnamespace and place.nspname = $1
    cross join lateral pg_partition_tree(parent.oid) as branch
    join pg_class as part on part.oid = branch.relid
    where parent.relkind = 'p' and parent.relname = any ($2::text[]) and part.oid <> parent.oid
    union all
    select 'table', relation.relname::text, 2
    from pg_class as relation
    join pg_namespace as place on place.oid = relation.relnamespace and place.nspname = $1
    where relation.relkind in ('r', 'p') and relation.relname = any ($2::text[])
) as relation
order by rank, name
