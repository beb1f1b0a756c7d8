-- A view over one table takes what is written to it, and hands it to the table. This one is for reading: who owns a
-- partition follows from the log. PostgreSQL writes through no view that has an offset.
create or replace view scheduler_locks with (security_invoker = true) as
select
    role || '/' || partition as lock_key,
    owner as locked_by,
    acquired_at as locked_at,
    last_checkpoint_at + interval '20 seconds' as expires_at,
    jsonb_build_object('epoch', epoch, 'watermark', watermark, 'positions', positions) as metadata
from partition_owners
offset 0;
