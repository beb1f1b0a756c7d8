-- What others may do with the live tables, as statements that let them do the same with the copy.
select format(
    'grant %s on %I.%I to %s', access.privilege_type, $3::text, relation.relname,
    case access.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(access.grantee)) end
) as sql
from pg_class as relation
join pg_namespace as place on place.oid = relation.relnamespace and place.nspname = $1
cross join lateral aclexplode(relation.relacl) as access
where relation.relkind in ('r', 'p') and relation.relname = any ($2::text[]) and access.grantee <> relation.relowner
