truncate
    projection_offsets, scheduled_jobs, job_versions, audit_events, job_executions, workers, partition_owners,
    command_outcomes
