-- The second line against a double fire. The log arbitrates, and an execution's id is derived from its job and instant;
-- should that ever fail, the second row of the instant is refused here, told and counted (see `projections/applier.py`).
-- Attempts are no rows. A missed range stands at its first instant, which may yet be caught up with, and triggers by hand
-- owe no instant: both stay outside. The index of a partition is made when it is attached.
create unique index job_executions_instant on job_executions (job_id, scheduled_at)
where trigger_type = 'scheduled' and status <> 'missed';
