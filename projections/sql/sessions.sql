-- What the other connections to this database are called; those of other logins tell it, too.
select distinct application_name
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and application_name like 'horolog-%'
order by application_name
