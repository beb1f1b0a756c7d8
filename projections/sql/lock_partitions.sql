-- One writer at a time for each partition, over all its topics: a job counts the executions that were applied before
-- it, and would not see those of a transaction that is still open.
select pg_advisory_xact_lock($1::int, partition)
from unnest($2::int[]) as wanted (partition)
order by partition
